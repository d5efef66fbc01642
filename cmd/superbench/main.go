// Command superbench measures superd beside the super-servers that a machine has, and beside floors in C: the least that such
// work can cost. Everything happens on 127.0.0.1 to 127.0.0.8, and each load is bounded in count and time.
//
//	go run ./cmd/superbench                          # everything; some minutes
//	go run ./cmd/superbench -run '^spawn$' -o out.json
//
// It runs in superd's source, which it builds, or on any binary with -superd. Peers come from the machine or from a folder
// of unpacked packages (packaging/unpack-peers.sh). Every server of a scenario runs from its beginning to its end and gets the
// same work in turn, A B C A B C …; the table has the medians of the rounds, and how many times superd does what each
// other does, round by round. Medians and ratios say something; single figures are those of one machine on one day.
//
// Exit status: 0 fine, 1 something was lost or corrupted or could not be measured, 2 a wrong flag.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() { os.Exit(superbench(os.Args[1:], os.Stdout)) }

type options struct {
	run     *regexp.Regexp
	servers *regexp.Regexp
	superd  string
	peers   string
	output  string
	profile string
	list    bool
	rounds  int
	clients int
	count   int
	limit   time.Duration
}

// parse reads the command line; what is wrong with it has been said to out.
func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("superbench", flag.ContinueOnError)
	flags.SetOutput(out)
	run := flags.String("run", "", "only the scenarios that `REGEXP` matches")
	servers := flags.String("servers", "", "only the servers that `REGEXP` matches, and superd")
	flags.StringVar(&o.superd, "superd", "", "measure this `BINARY`; without it superd is built")
	flags.StringVar(&o.peers, "peers", peersFolder(), "the `FOLDER` of packaging/unpack-peers.sh")
	flags.StringVar(&o.output, "o", "", "write the results to `FILE` as JSON, and beside it as CSV")
	flags.StringVar(&o.profile, "profile", "", "have superd write its processor profiles into a new `FOLDER` for each start below this one")
	flags.BoolVar(&o.list, "list", false, "list the scenarios and end")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each server gets the work")
	flags.IntVar(&o.clients, "clients", 8, "connections at once")
	flags.IntVar(&o.count, "count", 0, "connections or datagrams a round; 0: what the scenario has")
	flags.DurationVar(&o.limit, "limit", 5*time.Second, "the longest that a round begins connections")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("%q is no flag", flags.Arg(0))
	case o.rounds < 1 || o.clients < 1 || o.count < 0 || o.limit <= 0:
		err = errors.New("-rounds, -clients, -count and -limit are not negative, and only -count may be 0")
	}
	if err == nil {
		o.run, err = regexp.Compile(*run)
	}
	if err == nil {
		o.servers, err = regexp.Compile(*servers)
	}
	if err != nil {
		fmt.Fprintln(out, "superbench:", err)
	}
	return o, err
}

func peersFolder() string {
	if folder := os.Getenv("SUPERD_TEST_PROGRAMS"); folder != "" {
		return folder
	}
	return "/var/cache/superd-test"
}

// superbench is main with the exit status as its result.
func superbench(args []string, out io.Writer) int {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	chosen := slices.DeleteFunc(scenarios(), func(s scenario) bool { return !o.run.MatchString(s.Name) })
	if o.list || len(chosen) == 0 {
		for _, s := range scenarios() {
			fmt.Fprintf(out, "%-18s %s\n", s.Name, s.Doc)
		}
		if o.list {
			return 0
		}
		fmt.Fprintln(out, "superbench: -run matches none of these")
		return 2
	}
	b, err := newBench(o, out)
	if err != nil {
		fmt.Fprintln(out, "superbench:", err)
		return 1
	}
	defer b.shop.Close()
	defer b.breakOff()()
	b.introduce()
	for _, s := range chosen {
		b.play(s)
	}
	if o.output != "" {
		if err := b.report.save(o.output); err != nil {
			b.problem("%v", err)
		}
	}
	return b.verdict()
}

func newBench(o options, out io.Writer) (*bench, error) {
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	if o.profile != "" {
		if o.profile, err = filepath.Abs(o.profile); err != nil {
			return nil, err
		}
	}
	raiseDescriptors()
	// A server that goes into the background stays our child.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	shop, err := newWorkshop()
	if err != nil {
		return nil, err
	}
	b := &bench{
		out: out, shop: shop, user: who.Username,
		rounds: o.rounds, clients: o.clients, count: o.count, limit: o.limit, profile: o.profile,
		terminal: isTerminal(out),
		report:   report{Machine: thisMachine(), Versions: map[string]string{}},
	}
	if err := b.prepare(o.superd, o.peers, func(name string) bool { return name == superdName || o.servers.MatchString(name) }); err != nil {
		return nil, errors.Join(err, shop.Close())
	}
	return b, nil
}

// breakOff has an interrupt end the servers, the folder and this process, until it is undone.
func (b *bench) breakOff() (undo func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	go func() {
		if _, ok := <-asked; ok {
			b.running.kill()
			_ = b.shop.Close()
			os.Exit(1)
		}
	}()
	return func() {
		signal.Stop(asked)
		close(asked)
	}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// raiseDescriptors raises the soft limit to the hard one: some scenarios hold 10,000 connections.
func raiseDescriptors() {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil {
		l.Cur = l.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
	}
}

// descriptors is how many this process may have.
func descriptors() int {
	var l unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &l)
	return int(min(l.Cur, 1<<30))
}

// introduce says where this is and who takes part.
func (b *bench) introduce() {
	m := b.report.Machine
	fmt.Fprintf(b.out, "%s; %s, %s, %d cores (%s), %d MB; %s\n", m.Date, m.System, m.Kernel, m.Cores, m.Processor, m.Memory/megabyte, m.Go)
	for _, c := range b.list {
		fmt.Fprintf(b.out, "  %-24s %s\n", c.Name, c.version)
	}
	if len(b.report.Missing) > 0 {
		fmt.Fprintf(b.out, "not here: %s (packaging/unpack-peers.sh gets them on Debian)\n", strings.Join(b.report.Missing, ", "))
	}
}

func (b *bench) play(s scenario) {
	t := b.open(s.Name, s.Doc)
	if err := s.Run(b, t); err != nil {
		b.problem("%s: %v", s.Name, err)
	}
	if len(t.Rows) > 0 {
		_ = t.write(b.out)
	}
}

// verdict is the exit status, with what was wrong once more.
func (b *bench) verdict() int {
	if len(b.report.Problems) == 0 {
		return 0
	}
	fmt.Fprintln(b.out, "\nsuperbench: in this run something was lost, corrupted or not measured:")
	for _, p := range b.report.Problems {
		fmt.Fprintln(b.out, "  "+p)
	}
	return 1
}
