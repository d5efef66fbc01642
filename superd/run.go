package superd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/spawn"
	"superd/superd/systemd"
)

// Options are what the command line says.
type Options struct {
	Config     string    // the main configuration file
	PortOffset int       // added to every port
	Strict     bool      // end with an error if a socket cannot be opened at start
	Stderr     io.Writer // where log_type STDERR goes
	Background bool      // nobody reads Stderr once the daemon is ready: log_type STDERR means SYSLOG daemon
	PidFile    string    // is locked and holds the process id while the daemon runs; "" for none
	Ready      func()    // called once, when the daemon serves; nil for nobody
	Version    string    // of the program, for those who ask the daemon
	Control    string    // the control socket, whatever the files say; "": as they say
}

// ErrLeft is what Run returns after SIGQUIT: the daemon has ended, and its programs run on.
var ErrLeft = errors.New("ended; the programs run on")

// lingerLimit bounds the refused connections that are kept for a moment so that their banner arrives.
const lingerLimit = 256

// Run runs the daemon until SIGTERM or SIGINT, and returns nil then; until SIGQUIT, and returns ErrLeft. If the configuration cannot be used it returns
// its diagnostics at once; warnings alone are logged instead.
//
// Run takes over the process: its signals, its children, its standard descriptors. Call it once.
func Run(o Options) (*config.Diagnostics, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	defer signal.Stop(signals)

	d := &loop{options: o}
	first, diags := d.load()
	if diags.HasErrors() {
		return diags, nil
	}
	pidFile, err := createPidFile(o.PidFile)
	if err != nil {
		return nil, err
	}
	defer pidFile.remove()
	if err := d.begin(first, diags); err != nil {
		return nil, err
	}
	if o.Ready != nil {
		o.Ready()
	}
	if why := d.turn(signals); why != syscall.SIGQUIT {
		d.end(why, signals)
		return nil, nil
	}
	d.leave()
	return nil, ErrLeft
}

// loop is the one goroutine that owns the supervisor: everything that changes the set of services happens in it.
type loop struct {
	options Options
	supervisor
	loader   config.Loader
	watcher  *watcher
	reporter *reporter
	watchdog *watchdog
	warned   string // the diagnostics last logged for files that changed on disk
	desk     desk
	asks     chan func()   // to be run between what else happens
	over     chan struct{} // closed when nothing in asks is run any more
}

func (d *loop) load() (*config.Config, *config.Diagnostics) {
	return d.loader.Load(d.options.Config, d.loadOptions())
}

func (d *loop) loadOptions() config.Options {
	return config.Options{PortOffset: d.options.PortOffset, Privileged: spawn.MaySwitchUsers()}
}

// begin opens everything and says that the daemon is ready.
func (d *loop) begin(first *config.Config, diags *config.Diagnostics) error {
	hub := event.NewHub(d.options.Stderr)
	if d.options.Background {
		hub.StderrToSyslog()
	}
	log, err := hub.Open(first.Daemon.Log.Target)
	if err != nil {
		return fmt.Errorf("superd's own log: %w", err)
	}
	host := &host{version: d.options.Version, starter: spawn.New(), names: newNames(), linger: socket.NewLingerer(lingerLimit), ended: make(chan struct{})}
	host.wraps = wraps{nobody: nobodys(), commands: make(chan struct{}, commandLimit)}
	host.registrar.say = host.say
	host.log.Store(log)
	hub.ReportTo(log)
	host.bans.warn = func(err error) { host.say(event.Warn("", err.Error())) }
	host.store = newStore(systemd.New(), func(err error) { host.say(event.Warn("", err.Error())) })
	d.supervisor = newSupervisor(host, hub)
	d.asks, d.over = make(chan func()), make(chan struct{})
	d.sayDiagnostics(diags)
	handed, err := systemd.Inherited()
	if err != nil {
		host.say(event.Warn("", err.Error()))
	}
	d.inherit(handed, first)
	if _, err := d.apply(first); err != nil {
		hub.Close(flushTime)
		return err
	}
	if n := len(d.missing); n > 0 && d.options.Strict {
		d.stop()
		host.registrar.withdraw()
		hub.Close(flushTime)
		return fmt.Errorf("%d of the sockets cannot be opened, and --strict says that all must", n)
	}
	host.history.begin()
	d.watch()
	d.openDesk()
	host.say(event.Ready(len(first.Services), len(d.sockets)))
	d.reporter = newReporter(host)
	d.watchdog = newWatchdog(systemd.WatchdogInterval())
	d.reporter.report(host)
	host.tell(systemd.Ready)
	return nil
}

// turn is the daemon's life after it is ready. It returns the signal that ends it.
func (d *loop) turn(signals <-chan os.Signal) os.Signal {
	retry := time.NewTimer(0)
	giveBack() // what parsing took would be kept for years; so too after each load to come
	for {
		d.arm(retry)
		select {
		case s := <-signals:
			switch s {
			case syscall.SIGHUP, syscall.SIGUSR2: // xinetd has both
				d.reload()
			case syscall.SIGUSR1:
				d.host.starter.Settle()
				d.dumpToFile()
			default:
				return s
			}
		case do := <-d.asks:
			d.host.starter.Settle()
			do()
		case <-retry.C:
			d.retryMissing(time.Now())
			d.reporter.report(d.host)
		case <-d.host.bustle.heard:
			d.reporter.soon()
		case <-d.reporter.timer.C:
			d.reporter.report(d.host)
		case <-d.watchdog.timer.C:
			d.watchdog.answer(&d.supervisor)
		case e := <-d.watcher.changes():
			d.watcher.note(e)
		case err := <-d.watcher.errors():
			d.watcher.lost(err)
		case <-d.watcher.saved():
			d.filesChanged()
			giveBack()
		}
	}
}

// arm sets the timer for the next missing endpoint, if there is one.
func (d *loop) arm(retry *time.Timer) {
	retry.Stop()
	if due := d.nextRetry(); !due.IsZero() {
		retry.Reset(time.Until(due))
	}
}

// reload does what SIGHUP and SIGUSR2 ask for: log files are opened anew, and the files on disk are taken over, all or nothing.
func (d *loop) reload() *control.Reloaded {
	defer giveBack()
	d.host.history.attempt()
	d.host.tell(systemd.Reloading())
	defer func() {
		d.reporter.report(d.host)
		d.host.tell(systemd.Ready)
	}()
	d.hub.Reopen()
	d.missingAreDue()
	next, diags := d.load()
	d.warned = ""
	d.sayDiagnostics(diags)
	if diags.HasErrors() {
		d.failed(errUnusable)
		return &control.Reloaded{Plan: *d.planned(&plan{}, nil, nil, diags), Error: errUnusable.Error()}
	}
	was := d.running
	p, err := d.take(next)
	r := &control.Reloaded{Plan: *d.planned(&p, was, next, diags)}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

var errUnusable = errors.New("the configuration has errors; the old one runs on")

// failed says why the running configuration stays.
func (d *loop) failed(why error) {
	d.host.history.failed(why)
	d.host.say(event.ReloadFailed(why))
}

// take applies next and says what that did.
func (d *loop) take(next *config.Config) (plan, error) {
	p, err := d.applyWithLog(next)
	if err != nil {
		d.failed(err)
		return p, err
	}
	d.host.history.reloaded()
	d.follow(next)
	d.retryMissing(time.Now())
	d.openDesk()
	d.host.say(event.Reload(len(p.open), len(p.keep), len(p.retune), len(p.retire)))
	return p, nil
}

// applyWithLog is apply, and the daemon's own log with it.
func (d *loop) applyWithLog(next *config.Config) (plan, error) {
	log, err := d.hub.Open(next.Daemon.Log.Target)
	if err != nil {
		return plan{}, fmt.Errorf("superd's own log: %w", err)
	}
	p, err := d.apply(next)
	if err != nil {
		log.Release()
		return p, err
	}
	d.hub.ReportTo(log)
	d.host.log.Swap(log).Release()
	return p, nil
}

// end stops accepting, ends what runs, and returns when it has ended: after the drain TERM, and after the grace KILL. Each
// further SIGTERM or SIGINT cuts short what is being waited for.
func (d *loop) end(why os.Signal, signals <-chan os.Signal) {
	grace := d.running.Daemon.Grace
	d.host.tell(systemd.Stopping, systemd.ExtendTimeout(d.running.Daemon.Drain+grace+killTime+2*flushTime))
	d.closeDesk()
	d.host.say(event.Stopping(unix.SignalName(why.(syscall.Signal)), d.host.starter.Running()))
	d.watcher.close()
	d.host.ending.Store(true)
	close(d.host.ended)
	withdrawn := make(chan struct{})
	go func() { defer close(withdrawn); d.host.registrar.withdraw() }()
	d.stop()
	d.drain(signals)
	d.host.starter.SignalAll(syscall.SIGTERM)
	d.host.open.closeAll()
	if !within(grace, signals, d.host.starter.Wait) {
		d.host.starter.SignalAll(syscall.SIGKILL)
		within(killTime, nil, d.host.starter.Wait)
	}
	d.host.linger.Wait()
	d.host.partings.leave()
	d.host.bans.close()
	d.host.traffic.close()
	<-withdrawn
	d.host.say(event.Stopped())
	d.hub.Close(flushTime)
	d.host.starter.Close()
}

// leave ends the daemon alone: the programs that it has started run on, with nobody to limit them. It makes way for another superd,
// which a service manager hands the sockets.
func (d *loop) leave() {
	d.host.tell(systemd.Stopping)
	d.closeDesk()
	d.host.say(event.Stopping("SIGQUIT", d.host.starter.Running()))
	d.watcher.close()
	d.host.ending.Store(true)
	close(d.host.ended)
	d.stop()
	d.host.registrar.withdraw()
	d.host.open.closeAll()
	d.host.linger.Wait()
	d.host.partings.leave()
	d.host.traffic.close()
	d.host.say(event.Stopped())
	d.hub.Close(flushTime)
	d.host.starter.Close()
}

const (
	killTime  = 5 * time.Second // for killed children to be gone; one in an uninterruptible sleep may take longer
	flushTime = 2 * time.Second // for the logs
)

// drain leaves the connections alone until they have ended, the time for that is over, or another signal comes.
func (d *loop) drain(signals <-chan os.Signal) {
	if d.running.Daemon.Drain == 0 {
		return
	}
	within(d.running.Daemon.Drain, signals, func(ctx context.Context) error {
		if err := d.host.starter.Wait(ctx); err != nil {
			return err
		}
		return d.host.open.wait(ctx)
	})
}

// within runs wait, whose context ends after limit or when another signal comes; it reports whether wait saw the end of what it waited for.
func within(limit time.Duration, signals <-chan os.Signal, wait func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() {
		for {
			select {
			case s := <-signals:
				if s != syscall.SIGHUP && s != syscall.SIGUSR2 && s != syscall.SIGUSR1 {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return wait(ctx) == nil
}

func (d *loop) sayDiagnostics(diags *config.Diagnostics) {
	problems := diags.Problems()
	for _, p := range problems[:min(len(problems), problemLimit)] {
		if p.Severity == config.Error {
			d.host.say(event.ConfigError(p.Position(), p.Summary, diags.Body(p)))
		} else {
			d.host.say(event.ConfigWarning(p.Position(), p.Summary, diags.Body(p)))
		}
	}
	if more := diags.Len() - problemLimit; more > 0 {
		d.host.say(event.Warn("", fmt.Sprintf("and %d more problems in the configuration", more)))
	}
}

// problemLimit bounds how many problems of a configuration are logged one by one.
const problemLimit = 100

func written(diags *config.Diagnostics) string {
	var b strings.Builder
	_ = diags.Write(&b) // a Builder takes everything
	return b.String()
}

// watch begins to notice files that change on disk. Where that cannot be had, SIGHUP still works.
func (d *loop) watch() {
	w, err := newWatcher()
	if err != nil {
		d.host.say(event.Warn("", "changed files will not be noticed: "+err.Error()))
		return
	}
	d.watcher = w
	d.follow(d.running)
}

func (d *loop) follow(c *config.Config) {
	if err := d.watcher.follow(c); err != nil {
		d.host.say(event.Warn("", "changed files will not be noticed: "+err.Error()))
	}
}

// filesChanged says, once a save, what a reload would do or what is wrong; with watch = true it reloads.
func (d *loop) filesChanged() {
	d.host.history.attempt()
	next, diags := d.load()
	if diags.HasErrors() {
		if text := written(diags); text != d.warned {
			d.warned = text
			d.sayDiagnostics(diags)
			if d.running.Daemon.Watch {
				d.host.history.failed(errUnusable)
			}
		}
		return
	}
	d.warned = ""
	p := diff(d.running, next)
	switch {
	case next.Daemon.Watch:
		_, _ = d.take(next) // it says what came of it
	case !p.empty():
		d.host.say(event.Plan(p.String()))
	}
}
