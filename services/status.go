package services

import (
	"encoding/json"
	"net"
	"net/url"
	"time"
)

// statusMost is how many services the page and the JSON show.
const statusMost = 500

// statusPage serves, at
//
//	/           a page for a browser, which refreshes itself
//	/?json      the same as JSON (also /status.json): 200 while superd serves, 503 when it is degraded or stopping
//	/healthz    "serving", "degraded" or "stopping", with the same statuses, for health checks (also /readyz)
//	/healthz?service=ID   the same for one service: 503 also while it is paused or full, 404 if there is none
func statusPage(c net.Conn, d Daemon) error {
	return serveHTTP(c, func(q request) response {
		switch q.path {
		case "/":
			if q.query == "json" {
				return statusJSON(d)
			}
			state := d.State(statusMost)
			return response{status: 200, kind: "text/html; charset=utf-8", header: pageHeader, body: appendPage(nil, &state)}
		case "/status.json":
			return statusJSON(d)
		case "/healthz", "/readyz":
			return health(d, q.query)
		}
		return httpError(404).response()
	})
}

// health answers a health check.
func health(d Daemon, query string) response {
	if query == "" {
		state := d.State(0)
		word := state.Condition()
		return plain(healthStatus(word), word+"\n")
	}
	values, err := url.ParseQuery(query)
	if err != nil || len(values) != 1 || len(values["service"]) != 1 {
		return httpError(400).response()
	}
	s, ok := d.Service(values.Get("service"))
	if !ok {
		return plain(404, "no such service\n")
	}
	word := s.Condition()
	return plain(healthStatus(word), word+"\n")
}

func healthStatus(word string) int {
	if word == Serving {
		return 200
	}
	return 503
}

// statusReport is the JSON of the status page. Its names are those of the metrics and of the log. They do not change; more may
// be added.
type statusReport struct {
	Condition  string         `json:"condition"`
	Version    string         `json:"version"`
	Time       time.Time      `json:"time"`
	Began      time.Time      `json:"began"`
	Generation uint64         `json:"generation"`
	Hash       string         `json:"hash"`
	Since      time.Time      `json:"since"`
	Failing    bool           `json:"reload_failing"`
	Sockets    int            `json:"sockets"`
	Waiting    int            `json:"sockets_waiting"`
	Programs   int            `json:"programs"`
	Services   []serviceBrief `json:"services"`
	Omitted    int            `json:"services_omitted,omitempty"`
}

type serviceBrief struct {
	Service   string            `json:"service"`
	Condition string            `json:"condition"`
	Kind      string            `json:"kind"`
	Running   int               `json:"running"`
	Instances *int              `json:"instances"` // null: no limit
	Accepted  uint64            `json:"accepted"`
	Refused   map[string]uint64 `json:"refused"` // verdicts that there were
	Datagrams uint64            `json:"datagrams,omitempty"`
	Received  uint64            `json:"received_bytes"`
	Sent      uint64            `json:"sent_bytes"`
}

func statusJSON(d Daemon) response {
	state := d.State(statusMost)
	r := statusReport{
		Condition: state.Condition(), Version: state.Version, Time: state.Now, Began: state.Began,
		Generation: state.Generation, Hash: state.Hash, Since: state.Since, Failing: state.ReloadFailing,
		Sockets: state.Sockets, Waiting: state.Waiting, Programs: state.Programs,
		Services: []serviceBrief{}, Omitted: state.Omitted,
	}
	for i := range state.Services {
		s := &state.Services[i]
		brief := serviceBrief{
			Service: s.ID, Condition: s.Condition(), Kind: s.Kind, Running: s.Running, Accepted: s.Accepted,
			Refused: map[string]uint64{}, Datagrams: s.Datagrams, Received: s.In, Sent: s.Out,
		}
		if s.Instances >= 0 {
			brief.Instances = &s.Instances
		}
		for _, v := range s.Refused {
			if v.N > 0 {
				brief.Refused[v.Name] = v.N
			}
		}
		r.Services = append(r.Services, brief)
	}
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return plain(503, err.Error()+"\n")
	}
	return response{status: healthStatus(r.Condition), kind: "application/json", body: append(body, '\n')}
}
