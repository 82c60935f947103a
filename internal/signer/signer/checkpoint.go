package signer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/causeway-fund/causeway/internal/crash"
)

// The checkpoint is a second file beside the journal with the number and hash of
// its last line. It shows when somebody puts an older copy of the journal back.

func (j *Journal) checkpointPath() string { return j.path + ".checkpoint" }

func checkpointLine(seq int64, head Hash) string {
	return fmt.Sprintf("causeway/journal-checkpoint/v1 %d %s\n", seq, head)
}

// verifyCheckpoint holds the journal against its checkpoint. The journal may be
// one line ahead: the line is written first.
func (j *Journal) verifyCheckpoint() error {
	text, err := os.ReadFile(j.checkpointPath())
	if errors.Is(err, fs.ErrNotExist) {
		j.due = true
		text, err = []byte(checkpointLine(0, Hash{})), nil
	}
	if err != nil {
		return fmt.Errorf("read journal checkpoint: %w", err)
	}
	seq, head := j.Count(), j.head
	if string(text) == checkpointLine(seq, head) {
		return nil
	}
	if seq > 0 && string(text) == checkpointLine(seq-1, j.prev) {
		j.due = true
		return nil
	}
	return fmt.Errorf("%w: its %d lines do not match %s", ErrCorrupt, seq, j.checkpointPath())
}

func (j *Journal) writeCheckpoint() error {
	temporary := j.checkpointPath() + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write journal checkpoint: %w", err)
	}
	line := checkpointLine(j.Count(), j.head)
	_, err = f.WriteString(line[:len(line)/2])
	crash.At("S7")
	if err == nil {
		_, err = f.WriteString(line[len(line)/2:])
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write journal checkpoint: %w", err)
	}
	if err := os.Rename(temporary, j.checkpointPath()); err != nil {
		return fmt.Errorf("write journal checkpoint: %w", err)
	}
	return syncDir(j.path)
}
