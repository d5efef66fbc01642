package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Daemon is what a Server answers for. Its methods are called on goroutines of their own, several at once, and return when
// ctx ends; an *Error among their errors keeps its code, any other is a 500.
type Daemon interface {
	Hello() Hello
	Status(ctx context.Context, services []string, detail bool) (*Status, error)
	Explain(ctx context.Context, q Question) (*Explanation, error)
	Plan(ctx context.Context, file string) (*Plan, error)
	Reload(ctx context.Context, by Peer) (*Reloaded, error)
	Pause(ctx context.Context, service string, by Peer) (*Done, error)
	Resume(ctx context.Context, service string, by Peer) (*Done, error)
	Kick(ctx context.Context, k Kick, by Peer) (*Done, error)
	Bans(ctx context.Context) (*Bans, error)
	// Unban lifts the bans that have an address in common with source, or all of them if it is not valid.
	Unban(ctx context.Context, source netip.Prefix, by Peer) (*Done, error)
	// Events calls line with each event, the oldest first, and without Follow returns after the last; line returns an
	// error when the reader is gone.
	Events(ctx context.Context, f Filter, line func([]byte) error) error
	Dump(ctx context.Context) (*Dump, error)
}

// Question is what Explain is asked. A zero At is now.
type Question struct {
	Service string
	Address netip.Addr
	At      time.Time
}

// Kick says which connections to end: one by its number, or those of a service that come from a range.
type Kick struct {
	Connection uint64
	Service    string
	Source     netip.Prefix
}

// Filter says which events are wanted. The zero Filter is all of those that are remembered, as JSON.
type Filter struct {
	Follow   bool
	Text     bool // as lines of a log, not as JSON
	Whole    bool // with the lines that quote files; a Server sets it for those who may see them
	Services []string
	Verdicts []string
}

// Bounds of what clients may take.
const (
	maxClients   = 64
	maxFollowers = 16
	maxAnswers   = 4       // made at once; others wait for their turn
	maxBody      = 4 << 10 // bytes; no request needs one
	maxHead      = 8 << 10

	idleTime   = 30 * time.Second // between requests
	answerTime = 20 * time.Second // for an answer to be made

	dearPace = 500 * time.Millisecond // between two dear answers to those who may only look
)

// patience is how long a client may take: for its request to arrive, and to take in an answer, or a line of the stream.
type patience struct{ arrive, take time.Duration }

var usual = patience{arrive: 5 * time.Second, take: 10 * time.Second}

// Server answers on control sockets. Make it with NewServer.
type Server struct {
	daemon    Daemon
	patience  patience
	http      http.Server
	clients   clients
	answers   chan struct{}
	followers chan struct{}
	dear      pace
}

// pace lets one through, and the next not before a while. The zero value is ready. Safe for concurrent use.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

func (p *pace) passes(now time.Time, interval time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return false
	}
	p.next = now.Add(interval)
	return true
}

// NewServer makes a server that listens nowhere yet.
func NewServer(d Daemon) *Server { return newServer(d, usual) }

func newServer(d Daemon, p patience) *Server {
	s := &Server{daemon: d, patience: p, answers: make(chan struct{}, maxAnswers), followers: make(chan struct{}, maxFollowers)}
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: p.arrive,
		ReadTimeout:       p.arrive,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is theirs to know
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, clientKey{}, c) },
		ConnState:         s.clients.note,
	}
	return s
}

// Serve answers whoever connects to l, until l or the server is closed. It may be called for several listeners at once.
func (s *Server) Serve(l *Listener) {
	_ = s.http.Serve(&counted{l, &s.clients}) // its error is always that something was closed
}

// Clients is how many are connected.
func (s *Server) Clients() int { return s.clients.len() }

// Close ends everything: listeners, answers under way, streams.
func (s *Server) Close() { _ = s.http.Close() }

type clientKey struct{}

// verb is one thing that can be asked for.
type verb struct {
	method  string
	changes bool // for root and the daemon's own user alone
	do      func(s *Server, ctx context.Context, q query) (any, error)
}

var verbs = map[string]verb{
	"":        {http.MethodGet, false, func(s *Server, _ context.Context, _ query) (any, error) { return s.daemon.Hello(), nil }},
	"status":  {http.MethodGet, false, (*Server).status},
	"explain": {http.MethodGet, false, (*Server).explain},
	"plan":    {http.MethodGet, false, (*Server).plan},
	"dump":    {http.MethodGet, false, func(s *Server, ctx context.Context, _ query) (any, error) { return s.daemon.Dump(ctx) }},
	"events":  {http.MethodGet, false, nil},
	"reload":  {http.MethodPost, true, func(s *Server, ctx context.Context, q query) (any, error) { return s.daemon.Reload(ctx, q.by) }},
	"pause": {http.MethodPost, true, func(s *Server, ctx context.Context, q query) (any, error) {
		return s.daemon.Pause(ctx, q.Get("service"), q.by)
	}},
	"resume": {http.MethodPost, true, func(s *Server, ctx context.Context, q query) (any, error) {
		return s.daemon.Resume(ctx, q.Get("service"), q.by)
	}},
	"kick":  {http.MethodPost, true, (*Server).kick},
	"bans":  {http.MethodGet, false, func(s *Server, ctx context.Context, _ query) (any, error) { return s.daemon.Bans(ctx) }},
	"unban": {http.MethodPost, true, (*Server).unban},
}

// query is a request's parameters and who sends it.
type query struct {
	url.Values
	by Peer
}

// serve checks everything about a request that is the same for all of them.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	client, _ := r.Context().Value(clientKey{}).(*client)
	word, found := cutVersion(r.URL.Path)
	v, known := verbs[word]
	values, err := url.ParseQuery(r.URL.RawQuery)
	switch {
	case client == nil || !client.peer.may(client.access, false):
		s.refuse(w, &Error{http.StatusForbidden, "only root, the daemon's own user and the group of the control socket may look"})
	case !found || !known:
		s.refuse(w, &Error{http.StatusNotFound, fmt.Sprintf("there is no %.100q; this is version %d of the schema in superd-control(7)", r.URL.Path, Version)})
	case r.Method != v.method:
		w.Header().Set("Allow", v.method)
		s.refuse(w, &Error{http.StatusMethodNotAllowed, fmt.Sprintf("%s wants the method %s", r.URL.Path, v.method)})
	case r.ContentLength > maxBody || r.ContentLength < 0:
		w.Header().Set("Connection", "close")
		s.refuse(w, &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("a request has a body of at most %d bytes, and needs none", maxBody)})
	case err != nil:
		s.refuse(w, &Error{http.StatusBadRequest, "the part behind the question mark cannot be read"})
	case v.changes && !client.peer.may(client.access, true):
		s.refuse(w, &Error{http.StatusForbidden, "only root and the daemon's own user may change anything"})
	case dear(word, values) && !client.peer.Trusted && !s.dear.passes(time.Now(), dearPace):
		s.refuse(w, &Error{http.StatusServiceUnavailable, "too many are asking for that; try again"})
	case !received(w, r):
	case word == "events":
		s.events(w, r, query{values, client.peer})
	default:
		s.answer(w, r, v, query{values, client.peer})
	}
}

// dear reports whether an answer takes the daemon much work: reading all files, or looking at all there is. Whoever may only look
// must not be able to keep it busy.
func dear(word string, values url.Values) bool {
	return word == "plan" || word == "dump" || word == "status" && values.Get("detail") != ""
}

// received takes in the body, which means nothing, while the request still has its time limit, and then lifts that: it would
// end an answer that takes longer. It reports false if the body does not come.
func received(w http.ResponseWriter, r *http.Request) bool {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // on a connection that is gone, writing says so
	return true
}

// cutVersion takes the version off a path; the rest is a key of verbs.
func cutVersion(path string) (string, bool) {
	prefix := "/v" + strconv.Itoa(Version)
	if path == "/" || path == prefix {
		return "", true
	}
	if len(path) <= len(prefix) || path[:len(prefix)+1] != prefix+"/" {
		return "", false
	}
	return path[len(prefix)+1:], true
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, v verb, q query) {
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	select {
	case s.answers <- struct{}{}:
		defer func() { <-s.answers }()
	case <-ctx.Done():
		s.refuse(w, &Error{http.StatusServiceUnavailable, "too many are asking at once; try again"})
		return
	}
	a, err := v.do(s, ctx, q)
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.write(w, http.StatusOK, a)
}

func (s *Server) status(ctx context.Context, q query) (any, error) {
	return s.daemon.Status(ctx, q.Values["service"], q.Get("detail") != "")
}

func (s *Server) explain(ctx context.Context, q query) (any, error) {
	addr, err := netip.ParseAddr(q.Get("address"))
	if err != nil {
		return nil, &Error{http.StatusBadRequest, fmt.Sprintf("%.100q is no address", q.Get("address"))}
	}
	question := Question{Service: q.Get("service"), Address: addr}
	if at := q.Get("at"); at != "" {
		if question.At, err = time.Parse(time.RFC3339, at); err != nil {
			return nil, &Error{http.StatusBadRequest, fmt.Sprintf("%.100q is no time as in RFC 3339", at)}
		}
	}
	return s.daemon.Explain(ctx, question)
}

// plan of another file than the daemon's own has it read that file, with all it may read: who asks must be allowed as much.
func (s *Server) plan(ctx context.Context, q query) (any, error) {
	file := q.Get("file")
	if file != "" && !q.by.Trusted {
		return nil, &Error{http.StatusForbidden, "only root and the daemon's own user may have it read another file"}
	}
	p, err := s.daemon.Plan(ctx, file)
	if err == nil && !q.by.Trusted {
		p.Problems = slices.Clone(p.Problems)
		for i := range p.Problems {
			p.Problems[i].Text = "" // it quotes the file, which not everybody who may look may read
		}
	}
	return p, err
}

func (s *Server) kick(ctx context.Context, q query) (any, error) {
	k := Kick{Service: q.Get("service")}
	var err error
	if text := q.Get("connection"); text != "" {
		if k.Connection, err = strconv.ParseUint(text, 10, 64); err != nil || k.Connection == 0 {
			return nil, &Error{http.StatusBadRequest, fmt.Sprintf("%.100q is no connection's number", text)}
		}
		return s.daemon.Kick(ctx, k, q.by)
	}
	if k.Source, err = ParseSource(q.Get("source")); err != nil || k.Service == "" {
		return nil, &Error{http.StatusBadRequest, "kick wants connection=NUMBER, or service=ID and source=ADDRESS or ADDRESS/BITS"}
	}
	return s.daemon.Kick(ctx, k, q.by)
}

func (s *Server) unban(ctx context.Context, q query) (any, error) {
	if q.Get("source") == All {
		return s.daemon.Unban(ctx, netip.Prefix{}, q.by)
	}
	source, err := ParseSource(q.Get("source"))
	if err != nil {
		return nil, &Error{http.StatusBadRequest, "unban wants source=ADDRESS, ADDRESS/BITS or all"}
	}
	return s.daemon.Unban(ctx, source, q.by)
}

// ParseSource reads an address, or a range as ADDRESS/BITS.
func ParseSource(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is neither an address nor ADDRESS/BITS", text)
	}
	return p.Masked(), nil
}

// events is the one answer that has no end. Each line has its own time to be taken in.
func (s *Server) events(w http.ResponseWriter, r *http.Request, q query) {
	f := Filter{
		Follow: q.Get("follow") != "", Text: q.Get("format") == "text", Whole: q.by.Trusted,
		Services: q.Values["service"], Verdicts: q.Values["verdict"],
	}
	select {
	case s.followers <- struct{}{}:
		defer func() { <-s.followers }()
	default:
		s.refuse(w, &Error{http.StatusServiceUnavailable, fmt.Sprintf("%d clients read events already", maxFollowers)})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if f.Text {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	out := http.NewResponseController(w)
	err := s.daemon.Events(r.Context(), f, func(line []byte) error {
		_ = out.SetWriteDeadline(time.Now().Add(s.patience.take)) // on a connection that is gone, writing says so
		if _, err := w.Write(line); err != nil {
			return err
		}
		if f.Follow {
			return out.Flush()
		}
		return nil
	})
	if err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // so that the reader sees that this is not all
	}
}

func (s *Server) refuse(w http.ResponseWriter, err error) {
	e := &Error{Code: http.StatusInternalServerError, Text: err.Error()}
	if !errors.As(err, &e) && errors.Is(err, context.DeadlineExceeded) {
		e = &Error{http.StatusServiceUnavailable, "the daemon is busy; try again"}
	}
	s.write(w, e.Code, map[string]any{"version": Version, "error": e.Text})
}

func (s *Server) write(w http.ResponseWriter, code int, answer any) {
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be written"}`)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.patience.take))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // a reader that is gone or too slow is dropped
}
