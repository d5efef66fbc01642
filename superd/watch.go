package superd

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"superd/superd/config"
)

// settle is how long files must be quiet before they count as saved: editors write in several steps.
const settle = 300 * time.Millisecond

// watcher tells when a file of the configuration, or a folder where one may appear, has changed on disk.
// Folders are watched, not files, since editors save by renaming a new file over the old one.
// It belongs to the supervisor's goroutine. A nil watcher is one that watches nothing.
type watcher struct {
	notify *fsnotify.Watcher
	dirs   map[string]bool
	config *config.Config // what is watched for
	quiet  *time.Timer    // runs while changed files settle; its channel is the save
}

func newWatcher() (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	quiet := time.NewTimer(settle)
	quiet.Stop()
	return &watcher{notify: notify, dirs: map[string]bool{}, quiet: quiet}, nil
}

// follow makes the watcher watch what c was read from. The error is of the last folder that cannot be watched.
func (w *watcher) follow(c *config.Config) error {
	if w == nil {
		return nil
	}
	w.config = c
	dirs := map[string]bool{}
	for _, path := range slices.Concat(c.Files, c.Includes) {
		dirs[filepath.Dir(path)] = true
	}
	for d := range w.dirs {
		if !dirs[d] {
			_ = w.notify.Remove(d) // gone already is as good
			delete(w.dirs, d)
		}
	}
	var failure error
	for d := range dirs {
		if w.dirs[d] {
			continue
		}
		if err := w.notify.Add(d); err != nil {
			failure = err
			continue
		}
		w.dirs[d] = true
	}
	return failure
}

// changes is where raw events arrive; each goes to note.
func (w *watcher) changes() <-chan fsnotify.Event {
	if w == nil {
		return nil
	}
	return w.notify.Events
}

// saved fires once when changed files have settled.
func (w *watcher) saved() <-chan time.Time {
	if w == nil {
		return nil
	}
	return w.quiet.C
}

// errors is where the watch says that it has lost events.
func (w *watcher) errors() <-chan error {
	if w == nil {
		return nil
	}
	return w.notify.Errors
}

// lost takes it that something has changed.
func (w *watcher) lost(error) {
	w.quiet.Reset(settle)
}

func (w *watcher) note(e fsnotify.Event) {
	if e.Op != fsnotify.Chmod && w.concerns(e.Name) {
		w.quiet.Reset(settle)
	}
}

// concerns reports whether a change of path may change the configuration. "..data" is the link that is swapped
// when a folder is a mounted Kubernetes ConfigMap.
func (w *watcher) concerns(path string) bool {
	if slices.Contains(w.config.Files, path) || filepath.Base(path) == "..data" {
		return true
	}
	for _, pattern := range w.config.Includes {
		if ok, _ := filepath.Match(pattern, path); ok {
			return true
		}
	}
	return false
}

func (w *watcher) close() {
	if w != nil {
		_ = w.notify.Close()
	}
}
