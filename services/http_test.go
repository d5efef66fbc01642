package services

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseRequest(t *testing.T) {
	const host = "Host: superd\r\n"
	for given, want := range map[string]any{
		"GET / HTTP/1.1\r\n" + host:                                request{path: "/"},
		"HEAD /a?b=c HTTP/1.1\r\n" + host:                          request{head: true, path: "/a", query: "b=c"},
		"GET / HTTP/1.0\r\n":                                       request{path: "/"},
		"GET / HTTP/1.0\n":                                         request{path: "/"},
		"GET http://x/metrics?y HTTP/1.1\r\n" + host:               request{path: "/metrics", query: "y"},
		"GET http://x HTTP/1.1\r\n" + host:                         request{path: "/"},
		"GET http://x?y HTTP/1.1\r\n" + host:                       request{path: "/", query: "y"},
		"GET /a://b HTTP/1.1\r\n" + host:                           request{path: "/a://b"},
		"GET / HTTP/1.1\r\nhOST:\r\nAccept: a\r\naccept:  b\t\r\n": request{path: "/", accept: "a,b,"},
		"GET / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n":      request{path: "/"},
		"GET / HTTP/1.1\r\n" + host + "X: \xff\r\n":                request{path: "/"},

		"":                                                 400,
		"\r\n":                                             400,
		"GET":                                              400,
		"GET /":                                            400,
		"GET / HTTP/1.1":                                   400, // no Host
		"GET  / HTTP/1.1\r\n" + host:                       400,
		"GET / HTTP/1.1 \r\n" + host:                       400,
		" GET / HTTP/1.1\r\n" + host:                       400,
		"GET / HTTP/1\r\n" + host:                          400,
		"GET / http/1.1\r\n" + host:                        400,
		"GET / HTTP/1.x\r\n" + host:                        400,
		"GET / HTTP/11.1\r\n" + host:                       400,
		"GET metrics HTTP/1.1\r\n" + host:                  400,
		"GET * HTTP/1.1\r\n" + host:                        400,
		"GET /#x HTTP/1.1\r\n" + host:                      400,
		"GET /\x00 HTTP/1.1\r\n" + host:                    400,
		"GET /ü HTTP/1.1\r\n" + host:                       400,
		"GET ftp://x/ HTTP/1.1\r\n" + host:                 400,
		"G@T / HTTP/1.1\r\n" + host:                        400,
		"GET / HTTP/1.1\r\n" + host + host:                 400,
		"GET / HTTP/1.1\r\n" + host + "X : 1":              400,
		"GET / HTTP/1.1\r\n" + host + " X: 1":              400, // folded
		"GET / HTTP/1.1\r\n" + host + "X":                  400,
		"GET / HTTP/1.1\r\n" + host + ": 1":                400,
		"GET / HTTP/1.1\r\n" + host + "X: a\x01b":          400,
		"GET / HTTP/1.1\r\n" + host + "X: a\rb":            400,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: x":  400,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: +1": 400,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: -1": 400,
		"GET / HTTP/1.1\r\n" + host + "Content-Length:":    400,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: 1":  413,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: 9223372036854775807":  413,
		"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked":           413,
		"GET / HTTP/2.0\r\n" + host:                                          505,
		"PRI * HTTP/2.0\r\n":                                                 505,
		"GET / HTTP/0.9\r\n" + host:                                          505,
		"POST / HTTP/1.1\r\n" + host:                                         405,
		"get / HTTP/1.1\r\n" + host:                                          405,
		"GET / HTTP/1.1\r\n" + host + strings.Repeat("X: 1\r\n", fieldsMost): 431,
	} {
		got, err := parseRequest(given)
		switch want := want.(type) {
		case request:
			if err != nil || got != want {
				t.Errorf("%q: %+v, %v; want %+v", given, got, err, want)
			}
		case int:
			if err != httpError(want) {
				t.Errorf("%q: %+v, %v; want %d", given, got, err, want)
			}
		}
	}
}

// What we take is what the standard library takes, and means the same.
func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n", "HEAD /metrics?a=b HTTP/1.0\n", "GET http://a/b HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if headerEnd([]byte(text)) >= 0 {
			return // it would have ended there
		}
		got, err := parseRequest(text)
		if err != nil {
			var answered httpError
			if !errors.As(err, &answered) || reasons[int(answered)] == "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if !strings.HasPrefix(got.path, "/") {
			t.Errorf("%q: path %q", text, got.path)
		}
		theirs, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimSuffix(text, "\n") + "\n\r\n")))
		if err != nil {
			if strings.Contains(err.Error(), "parse \"") || strings.Contains(err.Error(), "malformed Host") {
				return // an escape that means nothing, which we leave alone
			}
			t.Errorf("%q: we take it, net/http says %v", text, err)
			return
		}
		if (theirs.Method == "HEAD") != got.head || theirs.URL.RawQuery != got.query {
			t.Errorf("%q: we have %+v, net/http %s %+v", text, got, theirs.Method, theirs.URL)
		}
	})
}

func TestHeaderEnd(t *testing.T) {
	for text, want := range map[string]int{
		"": -1, "a": -1, "a\r\n": -1, "a\r\n\r": -1, "a\r\n\r\n": 3, "a\n\n": 2, "a\n\r\n": 2, "a\r\nb\r\n\r\nc\n\n": 6, "\r\n\r\n": 2, "\n\n": 1, "a\r\rb": -1,
	} {
		if got := headerEnd([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// talk sends what a client says, in the given pieces, and returns what it is answered.
func talk(t *testing.T, pieces ...string) string {
	t.Helper()
	server, client := net.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serveHTTP(server, func(q request) response { return plain(200, q.path+"\n") })
		server.Close()
	}()
	go func() {
		for _, p := range pieces {
			if _, err := io.WriteString(client, p); err != nil {
				return
			}
		}
	}()
	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if err := <-done; err != nil {
		t.Errorf("the server failed: %v", err)
	}
	return string(got)
}

func TestServeHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		pieces []string
		status int
		body   string
	}{
		"at once":        {[]string{"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"}, 200, "/x\n"},
		"byte by byte":   {strings.Split("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", ""), 200, "/x\n"},
		"with a body":    {[]string{"GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"}, 413, "Content Too Large\n"},
		"a long line":    {[]string{"GET /" + strings.Repeat("x", requestMost)}, 414, "URI Too Long\n"},
		"a long header":  {[]string{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", requestMost)}, 431, "Request Header Fields Too Large\n"},
		"just too long":  {[]string{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", requestMost-19)}, 431, "Request Header Fields Too Large\n"},
		"as long as may": {[]string{"GET / HTTP/1.0\r\nX: " + strings.Repeat("x", requestMost-23) + "\r\n\r\n"}, 200, "/\n"},
		"TLS":            {[]string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n"}, 400, "Bad Request\n"},
		"another method": {[]string{"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"}, 405, "Method Not Allowed\n"},
	} {
		got := talk(t, c.pieces...)
		r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Fatalf("%s: %v in %q", name, err, got)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != c.status || string(body) != c.body || r.ContentLength != int64(len(body)) || !r.Close {
			t.Errorf("%s: %d %q %v, length %d", name, r.StatusCode, body, err, r.ContentLength)
		}
		if (r.StatusCode == 405) != (r.Header.Get("Allow") == "GET, HEAD") {
			t.Errorf("%s: Allow is %q", name, r.Header.Get("Allow"))
		}
	}
}

func TestHead(t *testing.T) {
	got := talk(t, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.Contains(got, "\r\nContent-Length: 3\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("%q", got)
	}
}

// Clients that say too little, or take nothing, are left after a bounded time; one that says nothing is told nothing.
func TestSlowClients(t *testing.T) {
	for said, want := range map[string]string{"": "", "GET / HTTP/1.1\r\n": "HTTP/1.1 408 Request Timeout\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			if got := talk(t, said); !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%q: answered %q", said, got)
			}
			if took := time.Since(began); took < requestTime || took > requestTime+DrainTime {
				t.Errorf("%q: left after %v", said, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		done := make(chan error, 1)
		began := time.Now()
		go func() { done <- serveHTTP(server, func(request) response { return plain(200, "x") }) }()
		io.WriteString(client, "GET / HTTP/1.0\r\n\r\n")
		if err := <-done; err != nil || time.Since(began) < answerTime || time.Since(began) > answerTime+DrainTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// An idle client and a long request cost little.
func TestRequestMemory(t *testing.T) {
	n := testing.AllocsPerRun(10, func() {
		text := "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 4000) + "\r\n\r\n"
		if _, err := readRequest(readOnly{Reader: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	})
	if n > 30 {
		t.Errorf("%v allocations", n)
	}
	endless := readOnly{Reader: io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\n"), endlessReader{})}
	if _, err := readRequest(endless); err != httpError(431) {
		t.Errorf("an endless header: %v", err)
	}
}

type readOnly struct {
	net.Conn
	io.Reader
}

func (r readOnly) Read(b []byte) (int, error) { return r.Reader.Read(b) }

type endlessReader struct{}

func (endlessReader) Read(b []byte) (int, error) {
	return copy(b, bytes.Repeat([]byte("X: y\r\n"), 200)), nil
}

func ExampleDaemon() { // the words are stable: monitoring goes by them
	fmt.Println(Serving, "/", Waiting, "/", BackingOff, "/", Paused, "/", Full, "/", Stopping, "/", Degraded)
	// Output: serving / waiting for its port / backing off / paused / full / stopping / degraded
}
