package config

import "testing"

func TestMux(t *testing.T) {
	const mux = "service \"tcpmux\" {\n type = \"INTERNAL\"\n socket_type = \"stream\"\n}\n"
	behind := func(lines string) string {
		return "service \"Cat\" {\n wait = false\n user = \"root\"\n server = \"/bin/cat\"\n " + lines + "\n}\n"
	}
	for lines, want := range map[string]Mux{
		"socket_type = \"stream\"\n type = \"TCPMUX\"":                     MuxOwn,
		"socket_type = \"stream\"\n type = [\"UNLISTED\", \"TCPMUXPLUS\"]": MuxPlus,
		"protocol = \"tcp\"\n type = \"tcpmuxplus\"":                       MuxPlus,
	} {
		c := mustLoad(t, mux+behind(lines), Options{Privileged: true})
		if s := c.Services[1]; s.Mux != want || len(s.Endpoints) > 0 || s.Program.Path != "/bin/cat" {
			t.Errorf("%s: %+v", lines, s)
		}
	}
	const plus = "socket_type = \"stream\"\n type = \"TCPMUXPLUS\"\n "
	for text, problem := range map[string]struct {
		severity Severity
		summary  string
	}{
		behind(plus):                     {Warning, "Nobody can come"},
		mux + behind(plus+"port = 7000"): {Warning, "No port of its own"},
		mux + behind("type = [\"TCPMUX\", \"TCPMUXPLUS\"]\n socket_type = \"stream\""):                                                   {Warning, "Two kinds of TCPMUX"},
		mux + behind("type = \"TCPMUX\"\n socket_type = \"dgram\""):                                                                      {Error, "Wrong protocol"},
		mux + behind(plus) + "service \"cat\" {\n id = \"2\"\n wait = false\n user = \"root\"\n server = \"/bin/cat\"\n " + plus + "}\n": {Error, "Second service of this name"},
		mux + "service \"Help\" {\n wait = false\n user = \"root\"\n server = \"/bin/cat\"\n " + plus + "}\n":                            {Error, "Reserved name"},
		"service \"tcpmux\" {\n type = [\"INTERNAL\", \"TCPMUXPLUS\"]\n socket_type = \"stream\"\n}\n":                                   {Error, "Multiplexer behind itself"},
		mux + "service \"cat\" {\n wait = true\n user = \"root\"\n server = \"/bin/cat\"\n " + plus + "}\n":                              {Error, "Wait without a socket"},
	} {
		_, d := loadText(t, text, Options{Privileged: true})
		wantProblem(t, d, problem.severity, problem.summary)
	}
	off := "service \"CAT\" {\n id = \"2\"\n disable = true\n wait = false\n " + plus + "}\n"
	if _, d := loadText(t, mux+behind(plus)+off, Options{Privileged: true}); d.Len() > 0 {
		t.Error(printed(t, d))
	}
}
