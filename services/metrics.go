package services

import (
	"net"
	"strings"
	"time"
)

// metricsMost is how many services have metrics of their own; the others are added up, so that a scrape stays within a few
// megabytes. Their name is none that a service can have.
const (
	metricsMost  = 1000
	metricsOther = "(other services)"
)

// The types of the two formats: Prometheus' own, and OpenMetrics, which it asks for first.
const (
	prometheusType  = "text/plain; version=0.0.4; charset=utf-8"
	openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// metricsPage serves what there is to measure, at /metrics and at /.
func metricsPage(c net.Conn, d Daemon) error {
	return serveHTTP(c, func(q request) response {
		if q.path != "/metrics" && q.path != "/" {
			return httpError(404).response()
		}
		state := d.State(metricsMost)
		if strings.Contains(strings.ToLower(q.accept), "application/openmetrics-text") {
			return response{status: 200, kind: openMetricsType, body: appendMetrics(nil, &state, true)}
		}
		return response{status: 200, kind: prometheusType, body: appendMetrics(nil, &state, false)}
	})
}

// appendMetrics appends every metric: those of the daemon, and then each family for all services.
func appendMetrics(b []byte, s *State, open bool) []byte {
	m := metrics{b: b, open: open}
	m.daemon(s)
	all := make([]*ServiceState, 0, len(s.Services)+1)
	for i := range s.Services {
		all = append(all, &s.Services[i])
	}
	if s.Omitted > 0 {
		s.Others.ID = metricsOther
		all = append(all, &s.Others)
	}
	m.services(all)
	if open {
		m.b = append(m.b, "# EOF\n"...)
	}
	return m.b
}

func (m *metrics) daemon(s *State) {
	m.family("superd_build_info", gauge, "What superd this is.")
	m.sample("", 1, label{"version", s.Version})
	m.family("superd_config_info", gauge, "The configuration in force, by the SHA-256 of its files.")
	m.sample("", 1, label{"hash", s.Hash})
	m.family("superd_config_generation", gauge, "1 for the configuration superd began with, and one more for each reload that succeeded.")
	m.sample("", float64(s.Generation))
	m.family("superd_config_loaded_timestamp_seconds", gauge, "When the configuration in force was put in force.")
	m.sample("", timestamp(s.Since))
	m.family("superd_reloads", counter, "Reloads, by what became of them.")
	m.sample("", float64(s.ReloadsDone), label{"result", "done"})
	m.sample("", float64(s.ReloadsFailed), label{"result", "failed"})
	m.family("superd_reload_duration_seconds", gauge, "How long the last reload took.")
	m.sample("", s.ReloadTook.Seconds())
	m.family("superd_reload_failing", gauge, "1 if the last reload failed: the files on disk are not what runs.")
	m.sample("", truth(s.ReloadFailing))
	m.family("superd_ready", gauge, "1 while every socket is open and superd is not stopping.")
	m.sample("", truth(s.Condition() == Serving))
	m.family("superd_services", gauge, "Services that are configured and on.")
	m.sample("", float64(len(s.Services)+s.Omitted))
	m.family("superd_sockets", gauge, "Sockets of services, by whether they are open or wait for their port.")
	m.sample("", float64(s.Sockets), label{"state", "open"})
	m.sample("", float64(s.Waiting), label{"state", "waiting"})
	m.family("superd_programs_running", gauge, "Programs that run.")
	m.sample("", float64(s.Programs))

	// The names that every exporter has for its own process.
	m.family("process_cpu_seconds", counter, "Processor time of superd itself.")
	m.sample("", s.CPU.Seconds())
	m.family("process_resident_memory_bytes", gauge, "Resident memory of superd itself.")
	m.sample("", float64(s.Memory))
	m.family("process_open_fds", gauge, "Descriptors that superd has open.")
	m.sample("", float64(s.Files))
	m.family("process_max_fds", gauge, "Descriptors that superd may have open.")
	m.sample("", float64(s.FileLimit))
	m.family("superd_reserved_fds", gauge, "Of the descriptors that superd has open, those that it keeps for starts of programs.")
	m.sample("", float64(s.FilesReserved))
	m.family("process_start_time_seconds", gauge, "When superd was ready.")
	m.sample("", timestamp(s.Began))
}

func (m *metrics) services(all []*ServiceState) {
	each := func(write func(s *ServiceState, name label)) {
		for _, s := range all {
			write(s, label{"service", s.ID})
		}
	}
	m.family("superd_connections_accepted", counter, "Connections that were let in, and started.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Accepted), name) })
	m.family("superd_connections_refused", counter, "Connections, and datagrams, that were not let in, by verdict.")
	each(func(s *ServiceState, name label) {
		for _, v := range s.Refused {
			m.sample("", float64(v.N), name, label{"verdict", v.Name})
		}
	})
	m.family("superd_connections_running", gauge, "Connections that are being served.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Running), name) })
	m.family("superd_connections_limit", gauge, "Connections that may be served at once (instances); absent without a limit.")
	each(func(s *ServiceState, name label) {
		if s.Instances >= 0 {
			m.sample("", float64(s.Instances), name)
		}
	})
	m.family("superd_sources_running", gauge, "Sources that the running connections come from.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Sources), name) })
	m.family("superd_sources_held", gauge, "Sources held off since they exceeded cps.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Held), name) })
	m.family("superd_cps_limit", gauge, "Connections a second that cps lets in; absent without a limit.")
	each(func(s *ServiceState, name label) {
		if s.Rate > 0 {
			m.sample("", float64(s.Rate), name)
		}
	})
	m.family("superd_cps_tokens", gauge, "Connections that cps would let in at once now; absent without a limit.")
	each(func(s *ServiceState, name label) {
		if s.Rate > 0 {
			m.sample("", float64(s.Tokens), name)
		}
	})
	m.family("superd_service_paused_seconds", gauge, "How much longer a service that exceeded cps accepts nobody; 0 if it accepts.")
	each(func(s *ServiceState, name label) { m.sample("", s.Paused.Seconds(), name) })
	m.family("superd_service_suspended", gauge, "1 while an operator has paused the service.")
	each(func(s *ServiceState, name label) { m.sample("", truth(s.Suspended), name) })
	m.family("superd_service_backing_off", gauge, "1 while a service does not accept, or does not start its program, since something is wrong with it.")
	each(func(s *ServiceState, name label) { m.sample("", truth(s.BackingOff), name) })
	m.family("superd_service_sockets_waiting", gauge, "Sockets of a service that could not be opened and are tried again.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Waiting), name) })
	m.family("superd_datagrams", counter, "Datagrams that a builtin took.")
	each(func(s *ServiceState, name label) {
		if s.Datagrams > 0 {
			m.sample("", float64(s.Datagrams), name)
		}
	})
	m.family("superd_received_bytes", counter, "Bytes from peers, of connections that have ended.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.In), name) })
	m.family("superd_sent_bytes", counter, "Bytes to peers, of connections that have ended.")
	each(func(s *ServiceState, name label) { m.sample("", float64(s.Out), name) })
	m.family("superd_connection_duration_seconds", histogram, "From the start of a connection to its end.")
	each(func(s *ServiceState, name label) { m.histogram(&s.Durations, name) })
	m.programs(each)
}

func (m *metrics) programs(each func(func(*ServiceState, label))) {
	m.family("superd_program_start_seconds", histogram, "From the decision to start a program until it runs.")
	each(func(s *ServiceState, name label) { m.histogram(&s.Starts, name) })
	m.family("superd_program_exits", counter, "Programs that have ended, by exit code or by the signal that killed them; code other: in more ways than are told apart.")
	each(func(s *ServiceState, name label) {
		for _, x := range s.Exits {
			if x.Signal != "" {
				m.sample("", float64(x.N), name, label{"signal", x.Signal})
			} else {
				m.sample("", float64(x.N), name, label{"code", string(appendNumber(nil, float64(x.Code), false))})
			}
		}
		if s.MoreExits > 0 {
			m.sample("", float64(s.MoreExits), name, label{"code", "other"})
		}
	})
	m.family("superd_program_cpu_seconds", counter, "Processor time of programs that have ended, their own and the kernel's for them.")
	each(func(s *ServiceState, name label) {
		if s.User > 0 || s.System > 0 || s.MaxRSS > 0 {
			m.sample("", s.User.Seconds(), name, label{"mode", "user"})
			m.sample("", s.System.Seconds(), name, label{"mode", "system"})
		}
	})
	m.family("superd_program_max_rss_bytes", gauge, "The most resident memory that any program of the service had.")
	each(func(s *ServiceState, name label) {
		if s.MaxRSS > 0 {
			m.sample("", float64(s.MaxRSS), name)
		}
	})
}

// timestamp is seconds since 1970, 0 for the zero time.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
