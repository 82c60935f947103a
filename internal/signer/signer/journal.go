package signer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/crash"
)

// ErrCorrupt says that the journal or its checkpoint cannot be believed. The
// signer does not start on it; a person has to find out why.
var ErrCorrupt = errors.New("the journal is damaged")

// ErrLocked says that another process holds the journal.
var ErrLocked = errors.New("another signer uses this journal")

var errBroken = errors.New("the journal cannot be written; restart the signer once the disk works again")

// file is what the journal needs of *os.File, so that a test can make it fail.
type file interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// Journal is the append-only, hash-chained file of every transaction that this
// signer may have released, and of every act of authority that it took in. It is not
// safe for concurrent use.
type Journal struct {
	path    string
	f       file
	text    io.ReaderAt // what was read, or is written to
	unlock  func() error
	size    int64
	ends    []int64 // where each line ends, behind its line feed
	prev    Hash    // of the line before the last one
	head    Hash    // of the last line; zeros when empty
	last    int64   // time of the last line, Unix seconds
	records []Record
	acts    []Act // without what New does not need
	broken  bool
	due     bool // the checkpoint is older than the last line

	// Repaired is the number of bytes of a torn last line that Open took away.
	Repaired int64
}

// CreateJournal creates an empty journal at path. It accepts one that is there
// and still empty, so that an interrupted start can be made again.
func CreateJournal(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("create journal: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		err = fmt.Errorf("create journal: %s already exists and has records: %w", path, fs.ErrExist)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(path)
}

// OpenJournal opens the journal at path, locks it against other processes and
// reads it whole. A torn last line, which was never fsynced and so never
// released, is removed. It fails with fs.ErrNotExist when there is none, with
// ErrLocked, or with ErrCorrupt when a line or the checkpoint does not hold.
//
// It never creates a journal: a signer that lost its journal could pay twice, so
// that is a person's decision.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrLocked, path), f.Close())
	}
	j := &Journal{
		path:   path,
		f:      f,
		text:   f,
		unlock: func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) },
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// ReadJournal reads the journal at path without locking or changing it; nothing
// can be appended. A torn last line is left out and counted in Repaired.
func ReadJournal(path string) (*Journal, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	j := &Journal{path: path, text: bytes.NewReader(text), broken: true}
	if _, err := j.read(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	return j, j.verifyCheckpoint()
}

// Records returns the lines of transactions in order. The caller must not change them.
func (j *Journal) Records() []Record { return j.records }

// Count returns how many lines there are, of all kinds.
func (j *Journal) Count() int64 { return int64(len(j.ends)) }

// Lines returns lines as they stand in the file, those after number after, as
// many as fit into limit bytes but one at least, if there is one.
func (j *Journal) Lines(after int64, limit int) ([][]byte, error) {
	var lines [][]byte
	for number := max(after, 0) + 1; number <= j.Count(); number++ {
		line, err := j.line(number)
		if err != nil {
			return nil, err
		}
		if limit -= len(line); limit < 0 && len(lines) > 0 {
			break
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// line returns one line as it stands in the file, without its line feed.
func (j *Journal) line(number int64) ([]byte, error) {
	begin := int64(0)
	if number > 1 {
		begin = j.ends[number-2]
	}
	line := make([]byte, j.ends[number-1]-1-begin)
	if _, err := j.text.ReadAt(line, begin); err != nil {
		return nil, fmt.Errorf("read line %d of the journal: %w", number, err)
	}
	return line, nil
}

// Head returns the hash of the last line, zeros when there is none.
func (j *Journal) Head() Hash { return j.head }

// Close releases the file and its lock. A child of this process that is being
// started could hold the lock a moment longer than the file is open here.
func (j *Journal) Close() error {
	if j.f == nil {
		return nil
	}
	return errors.Join(j.unlock(), j.f.Close())
}

func (j *Journal) load() error {
	complete, err := j.read(io.NewSectionReader(j.f, 0, 1<<40))
	if err != nil {
		return err
	}
	if err := j.verifyCheckpoint(); err != nil {
		return err
	}
	if !complete {
		if err := j.write([]byte("\n"), "S3"); err != nil {
			return fmt.Errorf("complete the last journal line: %w", err)
		}
	} else if j.Repaired > 0 {
		if err := errors.Join(j.f.Truncate(j.size), j.f.Sync()); err != nil {
			return fmt.Errorf("remove the torn journal line: %w", err)
		}
	}
	return j.Settle()
}

// readAtOnce is how many bytes of lines are parsed at once, on all cores.
const readAtOnce = 1 << 20

// read takes text apart. complete is false when only the last line feed is
// missing: that record is kept, since keeping one too many can pay nobody twice.
func (j *Journal) read(text io.Reader) (complete bool, err error) {
	in := bufio.NewReaderSize(text, 1<<16)
	for ended := false; !ended; {
		var lines [][]byte
		for size := 0; size < readAtOnce; {
			line, err := in.ReadBytes('\n')
			if ended = errors.Is(err, io.EOF); ended {
				if err := j.acceptAll(lines); err != nil || len(line) == 0 {
					return true, err
				}
				return j.readTail(line)
			}
			if err != nil {
				return false, fmt.Errorf("read journal: %w", err)
			}
			lines, size = append(lines, line[:len(line)-1]), size+len(line)
		}
		if err := j.acceptAll(lines); err != nil {
			return false, err
		}
	}
	return true, nil
}

// acceptAll takes in lines that end in a line feed.
func (j *Journal) acceptAll(lines [][]byte) error {
	parsed := make([]parsedLine, len(lines))
	err := cores.Each(len(lines), func(i int) error {
		parsed[i] = parseLine(lines[i])
		return nil
	})
	if err != nil {
		return err
	}
	for i := range parsed {
		if err := j.accept(parsed[i]); err != nil {
			return err
		}
		j.size++
	}
	return nil
}

// parsedLine is a line that was read by itself: a transaction or an act.
type parsedLine struct {
	record Record
	act    Act
	size   int
	hash   Hash
	err    error
}

func parseLine(line []byte) parsedLine {
	p := parsedLine{size: len(line), hash: sha256.Sum256(line)}
	if kindOf(line) == "" {
		p.record, p.err = parseRecord(line)
	} else if p.act, p.err = parseAct(line); p.err == nil {
		p.act.shed()
	}
	return p
}

// readTail judges a last line without line feed. A write that was cut short
// leaves the beginning of a record; a whole record with something after it is
// damage to a line that may have been released.
func (j *Journal) readTail(tail []byte) (complete bool, err error) {
	if !beginsWithJSON(tail) {
		j.Repaired = int64(len(tail))
		return true, nil
	}
	return false, j.accept(parseLine(tail))
}

func beginsWithJSON(text []byte) bool {
	var value json.RawMessage
	return json.NewDecoder(bytes.NewReader(text)).Decode(&value) == nil
}

// accept takes in a line, which has to continue the chain.
func (j *Journal) accept(p parsedLine) error {
	if p.err != nil {
		return fmt.Errorf("%w: line %d %w", ErrCorrupt, j.Count()+1, p.err)
	}
	seq, prev, unix := p.record.Seq, p.record.Prev, p.record.Time
	if p.act != nil {
		h := p.act.place()
		seq, prev, unix = h.Seq, h.Prev, h.Time
	}
	if seq != j.Count()+1 || prev != j.head {
		return fmt.Errorf("%w: line %d does not continue the chain of hashes", ErrCorrupt, j.Count()+1)
	}
	if p.act != nil {
		j.acts = append(j.acts, p.act)
	} else {
		j.records = append(j.records, p.record)
	}
	j.add(p.size, p.hash, unix)
	j.size += int64(p.size)
	return nil
}

// add makes a line, which begins at the end of the others, the last one.
func (j *Journal) add(size int, hash Hash, unix int64) {
	begin := int64(0)
	if len(j.ends) > 0 {
		begin = j.ends[len(j.ends)-1]
	}
	j.ends = append(j.ends, begin+int64(size)+1)
	j.prev, j.head, j.last = j.head, hash, unix
}

// Append gives r its version, number and place in the chain, writes it and
// returns when it and the checkpoint are on the disk. After an error nothing may
// be released. When the journal could not be put back as it was, every later
// call fails too.
func (j *Journal) Append(r Record) (Record, error) {
	if err := j.Settle(); err != nil {
		return Record{}, err
	}
	r.V, r.Seq, r.Prev = recordVersion, j.Count()+1, j.head
	line, err := r.encode()
	if err != nil {
		return Record{}, err
	}
	if err := j.put(line, "S3"); err != nil {
		return Record{}, err
	}
	j.records = append(j.records, r)
	j.add(len(line), sha256.Sum256(line), r.Time)
	return r, j.Settle()
}

// put writes a line, which is on the disk then, but not its checkpoint.
func (j *Journal) put(line []byte, label string) error {
	if err := j.write(append(line, '\n'), label); err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	j.due = true
	return nil
}

// Settle returns nil when every line and the checkpoint are on the disk; it
// writes a checkpoint that an earlier Append could not write.
func (j *Journal) Settle() error {
	if j.broken {
		return errBroken
	}
	if !j.due {
		return nil
	}
	if err := j.writeCheckpoint(); err != nil {
		return err
	}
	j.due = false
	return nil
}

// probeSize is what Probe writes: more than a usual line.
const probeSize = 16 << 10

// Probe returns nil when the disk takes a file beside the journal, as long as a few
// lines. It leaves nothing behind.
func (j *Journal) Probe() error {
	if err := j.Settle(); err != nil {
		return err
	}
	path := j.path + ".probe"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("probe the journal's disk: %w", err)
	}
	_, err = f.Write(make([]byte, probeSize))
	if err := errors.Join(err, f.Sync(), f.Close(), os.Remove(path)); err != nil {
		return fmt.Errorf("probe the journal's disk: %w", err)
	}
	return nil
}

func (j *Journal) write(line []byte, label string) error {
	if err := writeInHalves(j.f, line, label); err != nil {
		j.rollBack()
		return err
	}
	crash.At("S4")
	if err := j.f.Sync(); err != nil {
		// The kernel may have dropped the pages: what is on the disk is unknown.
		j.broken = true
		return err
	}
	j.size += int64(len(line))
	return nil
}

// rollBack takes away what a failed write left behind.
func (j *Journal) rollBack() {
	if err := errors.Join(j.f.Truncate(j.size), j.f.Sync()); err != nil {
		j.broken = true
	}
}

// writeInHalves is one write, except in a build that can crash between halves, at label.
func writeInHalves(w io.Writer, line []byte, label string) error {
	if crash.Enabled {
		if _, err := w.Write(line[:len(line)/2]); err != nil {
			return err
		}
		crash.At(label)
		line = line[len(line)/2:]
	}
	_, err := w.Write(line)
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open the journal's folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync the journal's folder: %w", err)
	}
	return nil
}
