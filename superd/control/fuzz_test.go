package control

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzRequest: whatever is asked, the answer is JSON of a known kind and a bounded size, and who may only look changes nothing.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/v1/status", "service=a&detail=1", "", true)
	f.Add("POST", "/v1/kick", "service=a&source=::/0", "body", false)
	f.Add("POST", "/v1/unban", "source=all", "", true)
	f.Add("GET", "/v1/explain", "service=a&address=fe80::1%25eth0&at=2026-01-02T03:04:05Z", "", false)
	f.Add("GET", "/v1/events", "verdict=%00", "", false)
	f.Fuzz(func(t *testing.T, method, path, query, body string, trusted bool) {
		u, err := url.ParseRequestURI("http://superd/")
		if err != nil {
			t.Fatal(err)
		}
		u.Path, u.RawQuery = path, query
		r, err := http.NewRequest(method, u.String(), strings.NewReader(body))
		if err != nil {
			return // it could not have come over the wire
		}
		d := &stage{}
		s := NewServer(d)
		c := &client{peer: Peer{Uid: 1000, Gids: []uint32{4}, Trusted: trusted}, access: Access{Mode: 0o660, Gid: 4}}
		if r.URL.Query().Get("follow") != "" {
			return // has no end
		}
		w := httptest.NewRecorder()
		s.serve(w, r.WithContext(context.WithValue(context.Background(), clientKey{}, c)))
		if !slices.Contains([]int{200, 400, 403, 404, 405, 413, 500, 503}, w.Code) {
			t.Errorf("status %d", w.Code)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) || w.Body.Len() > 64<<10 {
			t.Errorf("%d bytes: %.200q", w.Body.Len(), w.Body)
		}
		if !trusted && (len(d.kicks) > 0 || bytes.Contains(w.Body.Bytes(), []byte("secret"))) {
			t.Errorf("somebody who may only look: %d %s", w.Code, w.Body)
		}
	})
}
