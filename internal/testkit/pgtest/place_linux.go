package pgtest

import "syscall"

const (
	memory    = "/dev/shm"
	tmpfs     = 0x01021994 // linux/magic.h
	enoughFor = 4 << 30    // ten times what a run of everything holds at once
)

// inMemory returns a folder in memory with room for a server's data, or "".
func inMemory() string {
	var fs syscall.Statfs_t
	if syscall.Statfs(memory, &fs) != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < enoughFor {
		return ""
	}
	return memory
}
