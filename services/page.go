package services

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageRefresh is how often the browser asks for the page again.
const pageRefresh = 5 * time.Second

// pageStyle is all there is beside the text: no script, no picture, nothing from elsewhere. On a narrow screen each row of the
// table becomes a block, with the heading of its column above each value.
const pageStyle = `
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5b6675; --paper: #f6f7f9; --card: #fff; --line: #dde2e8; --good: #137a3e; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa5b4; --paper: #12161c; --card: #1b2129; --line: #2e3743; --good: #5fd08f; --bad: #ff8a80; --warn: #ffc66d; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.25rem; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; }
.word { font-size: .85rem; font-weight: 600; padding: .1rem .6rem; border-radius: 1rem; border: 1px solid currentColor; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .soft { color: var(--soft); }
p { margin: .25rem 0; }
.trouble { border: 1px solid var(--bad); border-radius: .5rem; padding: .6rem .8rem; margin: .8rem 0; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; margin: 1rem 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
th, td { text-align: left; padding: .45rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: .8rem; font-weight: 600; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td small { display: block; color: var(--soft); white-space: normal; }
meter { width: 4rem; height: .6rem; vertical-align: middle; }
@media (max-width: 44rem) {
  body { padding: .75rem; }
  table, tbody { display: block; background: none; border: 0; }
  thead { display: none; }
  tr { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: .35rem .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin-bottom: .6rem; padding: .6rem .75rem; }
  td, th, td.n { display: block; border: 0; padding: 0; text-align: left; white-space: normal; }
  th { grid-column: 1 / -1; }
  td[data-name=state] { grid-column: 1 / -1; margin-bottom: .15rem; }
  td:not([data-name=state])::before { content: attr(data-name); display: block; color: var(--soft); font-size: .8rem; }
  meter { width: 100%; display: block; }
}
`

// pageHeader lets a browser run and load nothing but the style, should a service's name ever become more than text.
var pageHeader = func() []string {
	sum := sha256.Sum256([]byte(pageStyle))
	style := base64.StdEncoding.EncodeToString(sum[:])
	return []string{
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-" + style + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Referrer-Policy: no-referrer",
	}
}()

// page is HTML in the making.
type page struct{ strings.Builder }

// put writes text with %s, %d … filled in; strings among args are escaped.
func (p *page) put(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(p, format, args...)
}

// appendPage appends the page of the status builtin.
func appendPage(b []byte, s *State) []byte {
	var p page
	word := s.Condition()
	p.put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>superd: %s</title>\n", word)
	p.put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n")
	p.put("<meta http-equiv=\"refresh\" content=\"%d\">\n", int(pageRefresh/time.Second))
	p.WriteString("<style>" + pageStyle + "</style>\n</head>\n<body>\n<main>\n")
	p.put("<h1>superd <span class=\"word %s\">%s</span></h1>\n", colour(word), word)
	p.put("<p class=\"soft\">%s, %s</p>\n", s.Version, s.Now.Format("Mon 2 Jan 2006 15:04:05 MST"))
	if s.ReloadFailing {
		p.put("<p class=\"trouble\"><b class=\"bad\">The last reload failed</b> %s ago; the configuration before it goes on. %s</p>\n",
			age(s.Now.Sub(s.ReloadFailed)), s.ReloadError)
	}
	p.numbers(s)
	p.table(s)
	p.WriteString("</main>\n</body>\n</html>\n")
	return append(b, p.String()...)
}

// numbers are the daemon's own.
func (p *page) numbers(s *State) {
	accepted, refused, running := s.Others.Accepted, s.Others.refusals(), s.Others.Running
	for i := range s.Services {
		accepted += s.Services[i].Accepted
		refused += s.Services[i].refusals()
		running += s.Services[i].Running
	}
	p.WriteString("<dl>\n")
	number := func(name, value string) { p.put("<div><dt>%s</dt><dd>%s</dd></div>\n", name, value) }
	number("up for", age(s.Now.Sub(s.Began)))
	number("connections now", grouped(uint64(running)))
	number("accepted", grouped(accepted))
	number("refused", grouped(refused))
	number("programs", grouped(uint64(s.Programs)))
	number("services", grouped(uint64(len(s.Services)+s.Omitted)))
	if s.Waiting > 0 {
		number("sockets", fmt.Sprintf("%d, %d waiting", s.Sockets, s.Waiting))
	} else {
		number("sockets", grouped(uint64(s.Sockets)))
	}
	number("descriptors", grouped(uint64(s.Files))+" of "+grouped(uint64(s.FileLimit)))
	number("configuration", fmt.Sprintf("no. %d, %s old", s.Generation, age(s.Now.Sub(s.Since))))
	number("hash", s.Hash[:min(len(s.Hash), 10)])
	p.WriteString("</dl>\n")
}

// table has a row for each service; those that do not serve come first.
func (p *page) table(s *State) {
	rows := make([]*ServiceState, len(s.Services))
	for i := range s.Services {
		rows[i] = &s.Services[i]
	}
	rank := func(r *ServiceState) int {
		return slices.Index([]string{Waiting, BackingOff, Paused, Full, Serving}, r.Condition())
	}
	slices.SortStableFunc(rows, func(a, b *ServiceState) int { return rank(a) - rank(b) })
	p.WriteString("<table>\n<thead><tr><th scope=\"col\">service</th><th scope=\"col\">state</th><th scope=\"col\" class=\"n\">now</th>" +
		"<th scope=\"col\" class=\"n\">accepted</th><th scope=\"col\" class=\"n\">refused</th><th scope=\"col\" class=\"n\">in</th><th scope=\"col\" class=\"n\">out</th></tr></thead>\n<tbody>\n")
	for _, r := range rows {
		p.row(r)
	}
	p.WriteString("</tbody>\n</table>\n")
	if len(rows) == 0 {
		p.WriteString("<p class=\"soft\">No service is on.</p>\n")
	}
	if s.Omitted > 0 {
		p.put("<p class=\"soft\">and %d more services</p>\n", s.Omitted)
	}
}

func (p *page) row(s *ServiceState) {
	word := s.Condition()
	p.put("<tr><th scope=\"row\">%s</th><td data-name=\"state\"><span class=\"%s\">%s", s.ID, colour(word), word)
	if word == Paused && s.Suspended {
		p.put(" by an operator")
	} else if word == Paused {
		p.put(" for %s", age(s.Paused))
	}
	p.put("</span></td><td class=\"n\" data-name=\"now\"><span>%s", grouped(uint64(s.Running)))
	if s.Instances > 0 {
		p.put(" of %s <meter min=\"0\" max=\"%d\" high=\"%d\" value=\"%d\"></meter>", grouped(uint64(s.Instances)), s.Instances, s.Instances*4/5, min(s.Running, s.Instances))
	}
	accepted := s.Accepted + s.Datagrams
	p.put("</span></td><td class=\"n\" data-name=\"accepted\">%s</td><td class=\"n\" data-name=\"refused\"><span>%s</span>", grouped(accepted), grouped(s.refusals()))
	var why []string
	for _, v := range s.Refused {
		if v.N > 0 {
			why = append(why, v.Name+" "+grouped(v.N))
		}
	}
	if len(why) > 0 {
		p.put("<small>%s</small>", strings.Join(why, ", "))
	}
	p.put("</td><td class=\"n\" data-name=\"in\">%s</td><td class=\"n\" data-name=\"out\">%s</td></tr>\n", bytesOf(s.In), bytesOf(s.Out))
}

func (s *ServiceState) refusals() (sum uint64) {
	for _, v := range s.Refused {
		sum += v.N
	}
	return sum
}

func colour(word string) string {
	switch word {
	case Serving:
		return "good"
	case Full, Paused:
		return "warn"
	}
	return "bad"
}

// grouped writes a number with a narrow space for each thousand.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// age is a duration in its two largest units: "3 d 4 h", "12 min 5 s", "7 s".
func age(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units[:len(units)-1] {
		if d >= u.size {
			next := units[i+1]
			return fmt.Sprintf("%d %s %d %s", d/u.size, u.name, d%u.size/next.size, next.name)
		}
	}
	return fmt.Sprintf("%d s", max(d, 0)/time.Second)
}

// bytesOf is a number of bytes in the largest unit that leaves it above 1.
func bytesOf(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if f /= 1000; f < 999.5 {
			return fmt.Sprintf("%.3g %s", f, unit)
		}
	}
	return fmt.Sprintf("%.3g EB", f/1000)
}
