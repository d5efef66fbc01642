package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Client asks one daemon. Its methods may be called concurrently.
type Client struct {
	Hello Hello // of the daemon that was found
	path  string
	http  http.Client
}

// ErrNoDaemon is why Dial finds nobody.
var ErrNoDaemon = errors.New("no superd runs")

// Dial finds the daemon that answers at one of the paths. Of several it takes the one that runs the configuration file, or else
// the first. The error is ErrNoDaemon if there is none, or says why it must not be asked.
func Dial(ctx context.Context, paths []string, file string) (*Client, error) {
	var found *Client
	var failure error
	for _, path := range paths {
		c := newClient(path)
		err := c.get(ctx, "", nil, &c.Hello)
		switch {
		case err == nil && c.Hello.Config == file:
			return c, nil
		case err == nil && found == nil:
			found = c
		case err != nil && failure == nil && !absent(err):
			failure = fmt.Errorf("%s: %w", path, err)
		}
	}
	switch {
	case found != nil:
		return found, nil
	case failure != nil:
		return nil, failure
	}
	return nil, fmt.Errorf("%w, or none that has a control socket at %s", ErrNoDaemon, strings.Join(paths, " or "))
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTDIR)
}

func newClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if errors.Is(err, fs.ErrPermission) {
			err = errDenied
		}
		return c, err
	}
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true, MaxIdleConns: 1}}}
}

var errDenied = errors.New("permission denied: only root, the daemon's own user and the group of the control socket may connect")

// Status asks for the named services, or all.
func (c *Client) Status(ctx context.Context, services []string, detail bool) (*Status, error) {
	q := url.Values{"service": services}
	if detail {
		q.Set("detail", "1")
	}
	s := new(Status)
	return s, c.get(ctx, "status", q, s)
}

// Explain asks what would happen to a client.
func (c *Client) Explain(ctx context.Context, question Question) (*Explanation, error) {
	q := url.Values{"service": {question.Service}, "address": {question.Address.String()}}
	if !question.At.IsZero() {
		q.Set("at", question.At.Format(time.RFC3339))
	}
	e := new(Explanation)
	return e, c.get(ctx, "explain", q, e)
}

// Plan asks what a reload would change, from another file if one is given.
func (c *Client) Plan(ctx context.Context, file string) (*Plan, error) {
	q := url.Values{}
	if file != "" {
		q.Set("file", file)
	}
	p := new(Plan)
	return p, c.get(ctx, "plan", q, p)
}

// Reload has the daemon take its files over, and waits.
func (c *Client) Reload(ctx context.Context) (*Reloaded, error) {
	r := new(Reloaded)
	return r, c.post(ctx, "reload", nil, r)
}

// Pause has a service accept nobody until Resume.
func (c *Client) Pause(ctx context.Context, service string) (*Done, error) {
	return c.change(ctx, "pause", url.Values{"service": {service}})
}

// Resume ends Pause.
func (c *Client) Resume(ctx context.Context, service string) (*Done, error) {
	return c.change(ctx, "resume", url.Values{"service": {service}})
}

// Kick ends connections.
func (c *Client) Kick(ctx context.Context, k Kick) (*Done, error) {
	if k.Connection != 0 {
		return c.change(ctx, "kick", url.Values{"connection": {strconv.FormatUint(k.Connection, 10)}})
	}
	return c.change(ctx, "kick", url.Values{"service": {k.Service}, "source": {k.Source.String()}})
}

// Bans lists whom sensors have caught.
func (c *Client) Bans(ctx context.Context) (*Bans, error) {
	b := new(Bans)
	return b, c.get(ctx, "bans", nil, b)
}

// Unban lifts the bans that have an address in common with source, an address or a range; All lifts all.
func (c *Client) Unban(ctx context.Context, source string) (*Done, error) {
	return c.change(ctx, "unban", url.Values{"source": {source}})
}

func (c *Client) change(ctx context.Context, verb string, q url.Values) (*Done, error) {
	d := new(Done)
	return d, c.post(ctx, verb, q, d)
}

// Events calls line with each event, without its newline, until there is no more or ctx ends.
func (c *Client) Events(ctx context.Context, f Filter, line func(string) error) error {
	q := url.Values{"service": f.Services, "verdict": f.Verdicts}
	if f.Follow {
		q.Set("follow", "1")
	}
	if f.Text {
		q.Set("format", "text")
	}
	body, err := c.do(ctx, http.MethodGet, "events", q)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := line(lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the stream has ended: %w", err)
	}
	return ctx.Err()
}

// Dump asks for everything, as the JSON that it is.
func (c *Client) Dump(ctx context.Context) ([]byte, error) {
	body, err := c.do(ctx, http.MethodGet, "dump", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (c *Client) get(ctx context.Context, verb string, q url.Values, answer any) error {
	return c.ask(ctx, http.MethodGet, verb, q, answer)
}

func (c *Client) post(ctx context.Context, verb string, q url.Values, answer any) error {
	return c.ask(ctx, http.MethodPost, verb, q, answer)
}

func (c *Client) ask(ctx context.Context, method, verb string, q url.Values, answer any) error {
	body, err := c.do(ctx, method, verb, q)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(answer); err != nil {
		return fmt.Errorf("the answer to %s cannot be read: %w", verb, err)
	}
	return nil
}

// do returns the body of a good answer, for the caller to close; another answer is an *Error.
func (c *Client) do(ctx context.Context, method, verb string, q url.Values) (io.ReadCloser, error) {
	target := url.URL{Scheme: "http", Host: "superd", Path: fmt.Sprintf("/v%d/%s", Version, verb), RawQuery: q.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL, which means nothing to whoever typed a verb
		}
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	var text struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&text); err != nil || text.Error == "" {
		text.Error = answer.Status
	}
	return nil, &Error{answer.StatusCode, text.Error}
}
