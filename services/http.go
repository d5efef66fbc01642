package services

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The least of HTTP/1.1 (RFC 9112) that scrapers, health checks and browsers need: one GET or HEAD without a body for each
// connection, which ends with the answer. Whatever else comes is answered with an error and bounded in size and time.
const (
	requestMost = 8 << 10          // bytes of a request
	requestTime = 10 * time.Second // for it to be complete
	answerTime  = 30 * time.Second // for the answer to be taken
)

// request is what a client has asked for.
type request struct {
	head   bool   // HEAD: no body in the answer
	path   string // as it came, still escaped, without the query
	query  string
	accept string // values of Accept, joined
}

// response is what it is answered.
type response struct {
	status int
	kind   string   // Content-Type
	header []string // more lines of the header, without their ends
	body   []byte
}

// reasons are the phrases of the statuses that are used.
var reasons = map[int]string{
	200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
	413: "Content Too Large", 414: "URI Too Long", 431: "Request Header Fields Too Large", 503: "Service Unavailable",
	505: "HTTP Version Not Supported",
}

// httpError is a request that cannot be answered, by the status that says so.
type httpError int

func (e httpError) Error() string { return "HTTP " + strconv.Itoa(int(e)) }

func (e httpError) response() response {
	r := plain(int(e), reasons[int(e)]+"\n")
	if e == 405 {
		r.header = []string{"Allow: GET, HEAD"}
	}
	return r
}

// plain is a response of text.
func plain(status int, text string) response {
	return response{status: status, kind: "text/plain; charset=utf-8", body: []byte(text)}
}

// serveHTTP answers the one request of a connection. A client that fails or leaves is its own business (nil).
func serveHTTP(c net.Conn, respond func(request) response) error {
	if err := c.SetReadDeadline(time.Now().Add(requestTime)); err != nil {
		return err
	}
	q, err := readRequest(c)
	var answered httpError
	switch {
	case errors.As(err, &answered):
		return answerHTTP(c, q, answered.response())
	case err != nil:
		return ended(err)
	}
	return answerHTTP(c, q, respond(q))
}

func answerHTTP(c net.Conn, q request, r response) error {
	if err := c.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	err := answer(c, r.append(nil, q.head, time.Now()))
	if isTimeout(err) {
		return nil
	}
	return err
}

// readRequest reads until the header is complete, and not beyond requestMost. What follows the header is left alone.
func readRequest(c net.Conn) (request, error) {
	text := make([]byte, 0, 1<<10)
	for {
		text = slices.Grow(text, 1)
		n, err := c.Read(text[len(text):min(cap(text), requestMost)])
		text = text[:len(text)+n]
		if end := headerEnd(text); end >= 0 {
			return parseRequest(string(text[:end]))
		}
		switch {
		case isTimeout(err) && len(text) > 0:
			return request{}, httpError(408)
		case isTimeout(err):
			return request{}, io.EOF // it has only held the line
		case err != nil:
			return request{}, err
		case len(text) < requestMost:
		case bytes.IndexByte(text, '\n') < 0:
			return request{}, httpError(414)
		default:
			return request{}, httpError(431)
		}
	}
}

// headerEnd is where the empty line begins that ends a header; -1 if it has not come.
func headerEnd(text []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
		if rest := text[from:]; bytes.HasPrefix(rest, []byte("\n")) || bytes.HasPrefix(rest, []byte("\r\n")) {
			return from
		}
	}
}

// fieldsMost bounds the lines of a header, 8 KiB of which could be thousands.
const fieldsMost = 100

// parseRequest reads a header without the empty line that ends it. As RFC 9112 allows, a bare LF ends a line too.
// The request is of use for the answer even with an error.
func parseRequest(text string) (q request, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	version, err := q.line(lines[0])
	if err != nil {
		return q, err
	}
	if len(lines)-1 > fieldsMost {
		return q, httpError(431)
	}
	hosts := 0
	for _, line := range lines[1:] {
		name, value, ok := parseField(line)
		if !ok {
			return q, httpError(400)
		}
		switch strings.ToLower(name) {
		case "host":
			hosts++
		case "accept":
			q.accept += value + ","
		case "content-length":
			if n, err := strconv.ParseUint(value, 10, 63); err != nil || value[0] == '+' {
				return q, httpError(400)
			} else if n > 0 {
				return q, httpError(413)
			}
		case "transfer-encoding":
			return q, httpError(413)
		}
	}
	if hosts > 1 || version == "HTTP/1.1" && hosts == 0 {
		return q, httpError(400)
	}
	return q, nil
}

// line reads the request line and returns the version.
func (q *request) line(line string) (version string, err error) {
	words := strings.Split(line, " ")
	if len(words) != 3 || !isToken(words[0]) || !isTarget(words[1]) {
		return "", httpError(400)
	}
	version = words[2]
	switch {
	case len(version) != len("HTTP/1.1") || !strings.HasPrefix(version, "HTTP/") || version[6] != '.' || !isDigit(version[5]) || !isDigit(version[7]):
		return "", httpError(400)
	case version[5] != '1':
		return "", httpError(505)
	}
	q.head = words[0] == "HEAD"
	if words[0] != "GET" && !q.head {
		return "", httpError(405)
	}
	target := words[1]
	if scheme, rest, ok := strings.Cut(target, "://"); ok && target[0] != '/' { // absolute-form, as to a proxy
		if !strings.EqualFold(scheme, "http") {
			return "", httpError(400)
		}
		authority := strings.IndexAny(rest, "/?")
		if authority < 0 {
			authority = len(rest)
		}
		target = rest[authority:]
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
	}
	if target[0] != '/' {
		return "", httpError(400)
	}
	q.path, q.query, _ = strings.Cut(target, "?")
	return version, nil
}

// parseField reads "Name: value". Folded lines and names with a blank behind are refused, as RFC 9112 (5.1, 5.2) wants.
func parseField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "", "", false
		}
	}
	return name, value, ok && isToken(name)
}

// isToken is RFC 9110's token.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isTarget says that only what can be seen stands in a target, and no fragment.
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// append appends the whole response, without its body for a HEAD.
func (r *response) append(b []byte, head bool, now time.Time) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.status), 10)
	b = append(append(b, ' '), reasons[r.status]...)
	b = append(b, "\r\nDate: "...)
	b = now.UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, r.kind...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(b, "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"...)
	for _, line := range r.header {
		b = append(append(b, line...), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if head {
		return b
	}
	return append(b, r.body...)
}
