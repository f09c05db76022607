package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bailiff/policy/problem"
)

// Bounds of what is read of a server's answer.
const (
	apiPatience     = 10 * time.Second
	maxStatusOctets = 1 << 20
	maxErrorOctets  = 4096
)

// serverAddress is where a server's API is.
type serverAddress struct {
	unix  string // path of its socket; else
	base  string // its URL, without a slash at the end
	token string // may be empty
}

// parseServer reads unix:PATH or an http URL.
func parseServer(text string) (serverAddress, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		return serverAddress{unix: path}, nil
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return serverAddress{}, problem.Fault{Text: "is no address of a server", Remedy: "write unix:PATH of its socket, or http://ADDR:PORT"}
	}
	return serverAddress{base: strings.TrimSuffix(text, "/")}, nil
}

// get asks for a path of the API. The caller closes the body, and ends ctx when
// it has read it.
func (a serverAddress) get(ctx context.Context, path string) (*http.Response, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	if a.unix != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", a.unix)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, cmp.Or(a.base, "http://localhost")+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return nil, outer.Err // without the URL
	}
	return response, err
}

// refusal is what the server says in an answer other than 200.
func refusal(response *http.Response) error {
	var said apiError
	if json.NewDecoder(io.LimitReader(response.Body, maxErrorOctets)).Decode(&said) == nil && said.Error != "" {
		return fmt.Errorf("answers %s: %s", response.Status, problem.Quote(said.Error))
	}
	return errors.New("answers " + response.Status)
}

// fetchStatus asks a server for its state.
func fetchStatus(ctx context.Context, a serverAddress) (*status, error) {
	ctx, cancel := context.WithTimeout(ctx, apiPatience)
	defer cancel()
	response, err := a.get(ctx, apiBase+"status")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response)
	}
	s := new(status)
	if err := json.NewDecoder(io.LimitReader(response.Body, maxStatusOctets)).Decode(s); err != nil || s.Orders == nil {
		return nil, errors.New("answers something else than its state: is it bailiff?")
	}
	return s, nil
}
