//go:build crash

package crash

import (
	"os"
	"strings"
	"sync"
	"syscall"
)

// Enabled reports whether this build can kill itself at a label.
const Enabled = true

var mu sync.Mutex

// At kills this process with SIGKILL when CRASH_AT names label and the file
// CRASH_ONCE (a path, if set) does not exist yet; the file is created first, so
// that the restarted process goes on. CRASH_AT may hold several labels parted
// by commas; CRASH_ONCE then gets the label as a suffix.
func At(label string) {
	mu.Lock()
	defer mu.Unlock()
	for _, want := range strings.Split(os.Getenv("CRASH_AT"), ",") {
		if want != label {
			continue
		}
		if once := os.Getenv("CRASH_ONCE"); once != "" {
			f, err := os.OpenFile(once+"."+label, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return // it has died here before
			}
			_ = f.Close()
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // SIGKILL is on its way; nothing may run after the label
	}
}
