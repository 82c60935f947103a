package pgtest

import (
	"os/exec"
	"syscall"
)

// detach keeps a Ctrl-C at the terminal from ending cmd before it has worked.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
