package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fine is an API that answers "fine" to everything.
var fine = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })

// served serves on what the config asks for.
func served(t *testing.T, c config) *apiServer {
	t.Helper()
	s, err := listenAPI(&c, fine, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fetched is the status and body that a server answers with.
func fetched(t *testing.T, a serverAddress, client *http.Client) string {
	t.Helper()
	if client == nil {
		response, err := a.get(t.Context(), "/")
		return outcomeText(response, err)
	}
	response, err := client.Get(a.base + "/")
	return outcomeText(response, err)
}

func outcomeText(response *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.Status + " " + string(body)
}

const aToken = "0123456789abcdef0123456789abcdef"

func TestListenAPI_asksForTheToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, aToken+"\n")
	s := served(t, config{api: apiConfig{listen: netip.MustParseAddrPort("127.0.0.1:0"), tokenFile: file}})
	base := "http://" + s.Addresses()[0]
	for token, want := range map[string]string{
		"": "401 ", aToken: "200 OK fine", aToken[1:]: "401 ", aToken + "0": "401 ", strings.ToUpper(aToken): "401 ",
	} {
		if got := fetched(t, serverAddress{base: base, token: token}, nil); !strings.HasPrefix(got, want) {
			t.Errorf("token %q: got %s, want %s", token, got, want)
		}
	}
}

func TestReadToken_refusesWhatEverybodyMayRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"good", aToken + "\n", 0o640, ""},
		{"for everybody", aToken, 0o644, "may be read by everybody; chmod 600 it"},
		{"short", "secret", 0o600, "holds no token of 16 visible characters"},
		{"two", aToken + " " + aToken, 0o600, "holds no token"},
		{"empty", "", 0o600, "; "},
	} {
		write(t, file, tt.text)
		if err := os.Chmod(file, tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := readToken(file)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestListenAPI_withoutATokenOnlyThisMachineIsTheHost(t *testing.T) {
	s := served(t, config{api: apiConfig{listen: netip.MustParseAddrPort("127.0.0.1:0")}})
	for host, want := range map[string]string{
		"localhost": "200 ", "127.0.0.1:9154": "200 ", "[::1]": "200 ", "[::1]:80": "200 ", "rebound.example": "403 ", "127.0.0.1.example:80": "403 ",
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addresses()[0], nil)
		request.Host = host
		if got := outcomeText(http.DefaultClient.Do(request)); !strings.HasPrefix(got, want) {
			t.Errorf("host %s: got %s, want %s", host, got, want)
		}
	}
}

// certificate makes a certificate for 127.0.0.1, signed by itself, in a file
// with its key in another.
func certificate(t *testing.T, name string) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, pair
}

func TestListenAPI_asksForAClientCertificate(t *testing.T) {
	cert, key, _ := certificate(t, "server")
	ca, _, client := certificate(t, "client")
	_, _, stranger := certificate(t, "stranger")
	s := served(t, config{api: apiConfig{listen: netip.MustParseAddrPort("127.0.0.1:0"), certificate: cert, key: key, clientCA: ca}})
	at := serverAddress{base: "https://" + s.Addresses()[0]}
	with := func(certificates ...tls.Certificate) *http.Client {
		roots := x509.NewCertPool()
		text, _ := os.ReadFile(cert)
		roots.AppendCertsFromPEM(text)
		return &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates},
		}}
	}
	if got := fetched(t, at, with(client)); got != "200 OK fine" {
		t.Errorf("with the certificate: got %s, want 200", got)
	}
	for name, client := range map[string]*http.Client{"without": with(), "with another": with(stranger)} {
		if got := fetched(t, at, client); !strings.Contains(got, "certificate") || strings.HasPrefix(got, "200") {
			t.Errorf("%s: got %s, want a refusal", name, got)
		}
	}
}

func TestListenAPI_refusesBrokenFiles(t *testing.T) {
	cert, key, _ := certificate(t, "server")
	listen := netip.MustParseAddrPort("127.0.0.1:0")
	for _, tt := range []struct {
		name string
		in   apiConfig
		want string
	}{
		{"no token", apiConfig{listen: listen, tokenFile: "none"}, "none: "},
		{"no key", apiConfig{listen: listen, certificate: cert, key: cert}, cert + ": is no certificate to use ("},
		{"no authority", apiConfig{listen: listen, certificate: cert, key: key, clientCA: key}, key + ": holds no certificate; "},
		{"an address of nobody", apiConfig{listen: netip.MustParseAddrPort("192.0.2.1:1")}, "api: listen on 192.0.2.1:1: "},
	} {
		_, err := listenAPI(&config{api: tt.in}, fine, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestListenAPI_theSocketIsForThisUserAlone(t *testing.T) {
	state := t.TempDir()
	path := filepath.Join(state, socketFile)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as a server that was killed leaves it behind
	left.Close()
	s := served(t, config{state: state})
	if got := fetched(t, serverAddress{unix: path}, nil); got != "200 OK fine" {
		t.Errorf("got %s, want 200", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v (%v), want mode 0600", info.Mode(), err)
	}
	if _, err := listenAPI(&config{state: state}, fine, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is the socket of a server that is running") {
		t.Errorf("a second server: got %v, want a refusal", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("got %v after the end, want no socket", err)
	}
}

func TestListenAPI_takesNothingElseForASocket(t *testing.T) {
	state := t.TempDir()
	write(t, filepath.Join(state, socketFile), "precious")
	if _, err := listenAPI(&config{state: state}, fine, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is in the way: it is no socket") {
		t.Errorf("got %v, want a refusal", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := listenAPI(&config{state: long}, fine, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is too long for a socket") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestListenAPI_aDiskThatTakesNoSocketStopsNothing(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	var log bytes.Buffer
	s, err := listenAPI(&config{state: gone}, fine, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(s.Addresses()) != 0 || !strings.Contains(log.String(), "the API has no socket") {
		t.Fatalf("got %v with log %q, want a log entry and no more", err, &log)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
