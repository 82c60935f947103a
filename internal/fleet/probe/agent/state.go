package agent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// State is what a prober must not forget: who it is, and where its chain of
// reports stands.
type State struct {
	V          int       `json:"v"`
	Vantage    uuid.UUID `json:"vantage"`
	Name       string    `json:"name"`
	Key        []byte    `json:"key"`         // seed of its Ed25519 key
	ServiceKey []byte    `json:"service_key"` // Ed25519: signs leases
	Seq        uint64    `json:"seq"`         // of the last report that the service took
	Prev       string    `json:"prev"`        // hex SHA-256 of its signed bytes
	// Pending is a report that was signed and not answered to.
	Pending *vantage.Envelope `json:"pending,omitempty"`
}

// maxState is the longest state file: a report in base64, and the rest.
const maxState = 2 * vantage.MaxReport

const stateVersion = 1

// Validate refuses a State that an agent cannot work with.
func (s State) Validate() error {
	hash, err := hex.DecodeString(s.Prev)
	if s.V != stateVersion || s.Vantage == uuid.Nil || len(s.Key) != ed25519.SeedSize ||
		len(s.ServiceKey) != ed25519.PublicKeySize ||
		err != nil ||
		len(hash) != sha256.Size {
		return errs.New(
			errs.Unavailable,
			CodeProberStateMalformed,
			"The prober's state file is not one of this version. Restore it, or enrol the prober again with: causeway "+
				"prober enrol.",
		)
	}
	return nil
}

// Enrolled returns the State of a prober that the service has just welcomed. key
// is the one whose public half it was told.
func Enrolled(w vantage.Welcome, key ed25519.PrivateKey) (State, error) {
	if err := w.Validate(); err != nil {
		return State{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeWelcomeMalformed,
			"The service's answer cannot be read. The token has been used up: ask for another one.",
		)
	}
	return State{
		V:          stateVersion,
		Vantage:    w.Vantage,
		Name:       w.Name,
		Key:        key.Seed(),
		ServiceKey: w.ServiceKey,
		Prev:       vantage.First(),
	}, nil
}

// File is a journal in one file, which no other process has open as one.
type File struct {
	path string
	lock *os.File
}

var _ Journal = (*File)(nil)

// Open takes the file at path for this process until Close. It need not exist.
// Errors are Conflict "prober_running" when another process has it.
func Open(path string) (*File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			CodeProberStateUnwritable,
			"The folder of the prober's state file cannot be written.",
		)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(
			errs.Wrap(
				err,
				errs.Conflict,
				CodeProberRunning,
				"Another prober uses this state file. Two would break its chain of reports; give each its own.",
			),
			lock.Close(),
		)
	}
	return &File{path: path, lock: lock}, nil
}

// Close gives the file back. The lock is taken off first: a process that is just
// being started may still hold a copy of the descriptor.
func (f *File) Close() error {
	return errors.Join(syscall.Flock(int(f.lock.Fd()), syscall.LOCK_UN), f.lock.Close())
}

// Load reads the state. Errors are NotFound "prober_not_enrolled" when there is
// no file, and Unavailable.
func (f *File) Load() (State, error) {
	file, err := os.Open(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return State{}, errs.Wrap(
			err,
			errs.NotFound,
			CodeProberNotEnrolled,
			"There is no state file at "+f.path+". Enrol this prober first with: causeway prober enrol.",
		)
	case err != nil:
		return State{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeProberStateUnreadable,
			"The prober's state file cannot be read.",
		)
	}
	defer func() { _ = file.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return State{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeProberStateUnreadable,
			"The prober's state file cannot be read.",
		)
	}
	return ParseState(text)
}

// ParseState reads a state file's text. The error is Unavailable
// "prober_state_malformed".
func ParseState(text []byte) (State, error) {
	var s State
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil || len(text) > maxState || dec.More() {
		return State{}, State{}.Validate()
	}
	return s, s.Validate()
}

// Save puts s in place of what the file holds, in one step.
func (f *File) Save(s State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write prober state: %w", err)
	}
	dir := filepath.Dir(f.path)
	next, err := os.CreateTemp(dir, ".prober-*") // created with mode 0600
	if err != nil {
		return fmt.Errorf("write prober state: %w", err)
	}
	_, err = next.Write(append(text, '\n'))
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write prober state: %w", err), os.Remove(next.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write prober state: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
