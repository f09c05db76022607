package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// Bounds of the API's files.
const (
	minToken          = 16 // characters: what `openssl rand -hex 8` makes
	maxTokenOctets    = 4096
	maxAuthorityFiles = 1 << 20 // octets of certificates
)

// apiConfig is what the config file says of the API over TCP.
type apiConfig struct {
	listen           netip.AddrPort // not valid: there is none
	tokenFile        string         // empty: no token is asked for
	certificate, key string         // files; empty: plain HTTP
	clientCA         string         // file; empty: no client certificate is asked for
}

// apiReader is the reader for the API of the config file at path.
func apiReader(path string) func(strictyaml.Value) apiConfig {
	file := pathFrom(filepath.Dir(path))
	return func(v strictyaml.Value) (c apiConfig) {
		v.Mapping(
			strictyaml.Key("listen", &c.listen, strictyaml.Parsed(parseListen)).Required(),
			strictyaml.Key("token_file", &c.tokenFile, file),
			strictyaml.Key("tls", new(struct{}), func(v strictyaml.Value) struct{} {
				v.Mapping(
					strictyaml.Key("certificate", &c.certificate, file).Required(),
					strictyaml.Key("key", &c.key, file).Required(),
					strictyaml.Key("client_ca", &c.clientCA, file),
				)
				return struct{}{}
			}),
		)
		if !c.listen.IsValid() || c.listen.Addr().IsLoopback() {
			return c
		}
		switch {
		case c.tokenFile == "" && c.clientCA == "":
			v.Refuse(c.listen.String()+" is open to others, and anybody could read", "add token_file or tls.client_ca, or listen on 127.0.0.1")
		case c.certificate == "" && c.tokenFile != "":
			v.Refuse(c.listen.String()+" is open to others, and the token would pass in the clear", "add tls, or listen on 127.0.0.1")
		}
		return c
	}
}

// token is the SHA-256 of the token that clients must show, nil if they need
// none.
func (c *apiConfig) token() ([]byte, error) {
	if c.tokenFile == "" {
		return nil, nil
	}
	text, err := readToken(c.tokenFile)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	return sum[:], nil
}

// readToken reads a file that holds a token and nothing else. The error is a
// problem.Problem.
func readToken(path string) (string, error) {
	whole := problem.Problem{File: path}
	data, err := infile.Read(path, maxTokenOctets)
	if err != nil {
		return "", whole.Because(err)
	}
	token := strings.TrimSpace(string(data))
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", whole.Because(err)
	case info.Mode()&0o007 != 0:
		return "", whole.Because(problem.Fault{Text: "may be read by everybody", Remedy: "chmod 600 it, and make a new token"})
	case len(token) < minToken || strings.ContainsFunc(token, notVisible):
		return "", whole.Because(problem.Fault{Text: "holds no token of 16 visible characters or more", Remedy: "write one with openssl rand -hex 32"})
	}
	return token, nil
}

// tls is how connections are protected, nil if they are not. The error is a
// problem.Problem.
func (c *apiConfig) tls() (*tls.Config, error) {
	if c.certificate == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certificate, c.key)
	if err != nil {
		return nil, problem.Problem{File: c.certificate, Text: "is no certificate to use (" + err.Error() + ")", Remedy: "give the chain in PEM, and its key"}
	}
	protection := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	if c.clientCA == "" {
		return protection, nil
	}
	whole := problem.Problem{File: c.clientCA}
	data, err := infile.Read(c.clientCA, maxAuthorityFiles)
	if err != nil {
		return nil, whole.Because(err)
	}
	protection.ClientCAs, protection.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !protection.ClientCAs.AppendCertsFromPEM(data) {
		return nil, whole.Because(problem.Fault{Text: "holds no certificate", Remedy: "give the authority's certificates in PEM"})
	}
	return protection, nil
}
