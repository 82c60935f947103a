package blocklist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Report is what reading a folder gave.
type Report struct {
	Lists   []ListReport // by name
	Gone    []string     // lists of the set before that the folder no longer has
	Ignored []string     // files that are no lists by their names
}

// ListReport is what reading one list gave. Counts are of the list in use.
type ListReport struct {
	Info
	Files     []string
	Before    Info // what was in use; zero for none
	Unchanged bool // the files are those of Before, and were not read again
	Rows      int
	Bad       int       // rows with a problem
	Problems  []Problem // the first of them
	Err       error     // *errs.Error: the list was not taken, and Before stays in use
}

// fileID is by what a file is taken as not changed.
type fileID struct {
	name  string
	size  int64
	mtime int64 // ns
}

// format is how the files of a list are read.
type format int

const (
	formatDump format = iota
	formatPlain
)

// source is a list as the folder has it.
type source struct {
	format  format
	files   []fileID
	numbers []int // of parts; nil for a file of its own
	err     error // the files cannot be read as one list
}

// Load reads the lists of a folder: NAME.csv, or NAME-00.csv to NAME-99.csv
// together, is a dump; NAME.cidr or NAME.txt is a plain list of networks. NAME is
// of lower-case letters, digits and hyphens, at most 32. Lists whose files are those of old
// (size and time of writing) are taken over from it, and so are those that
// cannot be read now. The set is old when there is an error, which is that the
// folder cannot be read, that it has lost all of its lists (a disk that is not
// mounted looks like that), or that ctx has ended.
func Load(ctx context.Context, folder fs.FS, old *Set) (*Set, Report, error) {
	if old == nil {
		old = &Set{}
	}
	sources, ignored, err := scan(folder)
	if err != nil {
		return old, Report{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeBlocklistsUnreadable,
			"The folder of blocklists cannot be read. The current lists stay in use. Check that the folder exists and that "+
				"this service may read it.",
		)
	}
	if len(sources) == 0 && len(old.lists) > 0 {
		return old, Report{}, errs.New(
			errs.Unavailable,
			CodeBlocklistsGone,
			"The folder of blocklists no longer contains a list. The current lists stay in use until this service is "+
				"restarted. "+
				"Check that the folder is the right one and that its disk is mounted.",
		)
	}
	report := Report{Ignored: ignored}
	var lists []*List
	for _, name := range sortedKeys(sources) {
		l, r := load(ctx, folder, name, sources[name], old.list(name))
		if err := ctx.Err(); err != nil {
			return old, Report{}, fmt.Errorf("load blocklists: %w", err)
		}
		if l != nil {
			r.Info = l.info
			lists = append(lists, l)
		}
		report.Lists = append(report.Lists, r)
	}
	for _, l := range old.lists {
		if _, ok := sources[l.info.Name]; !ok {
			report.Gone = append(report.Gone, l.info.Name)
		}
	}
	return NewSet(lists...), report, nil
}

// load returns the list to use from now on, nil for none.
func load(ctx context.Context, folder fs.FS, name string, src *source, before *List) (*List, ListReport) {
	r := ListReport{}
	r.Name = name
	for _, f := range src.files {
		r.Files = append(r.Files, f.name)
	}
	if before != nil {
		r.Before = before.info
		if src.err == nil && slices.Equal(before.files, src.files) {
			r.Unchanged = true
			return before, r
		}
	}
	l, err := read(ctx, folder, name, src, &r)
	if err != nil {
		stays := "No list of that name is in use."
		if before != nil {
			stays = fmt.Sprintf("The one of version %s stays in use.", before.info.Version)
		}
		r.Err = errs.Wrap(err, errs.Invalid, CodeBlocklistRefused, fmt.Sprintf(
			"The blocklist %s was not read: %s. %s Replace its files; they will be read again automatically.",
			name,
			reason(err),
			stays,
		))
		return before, r
	}
	return l, r
}

// Why a list is refused as a whole.
var (
	errClash   = errors.New("several files claim that name")
	errEmpty   = errors.New("it has no entries")
	errGarbled = errors.New("most of its rows are not rows of a blocklist")
	errMoved   = errors.New("its files changed while they were read")
)

func reason(err error) string {
	for _, known := range []error{errClash, errEmpty, errGarbled, errMoved, errTooMany} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "a file cannot be read"
}

func read(ctx context.Context, folder fs.FS, name string, src *source, report *ListReport) (*List, error) {
	if src.err != nil {
		return nil, src.err
	}
	rd := &reading{entries: newEntries(), report: report}
	digest := sha256.New()
	for i := range src.files {
		if err := rd.open(ctx, folder, src, i, digest); err != nil {
			return nil, err
		}
	}
	if n := len(src.numbers); n > 0 && src.numbers[n-1] != n-1 {
		rd.file, rd.line, rd.bad = name, 0, true
		rd.problem(whyGap)
	}
	if len(rd.entries.marks)+len(rd.entries.hosts) == 0 {
		return nil, errEmpty
	}
	if 2*rd.lost > report.Rows {
		return nil, errGarbled
	}
	rd.entries.build()
	info := Info{
		Name: name, SHA256: hex.EncodeToString(digest.Sum(nil)), Updated: rd.updated,
		Networks: len(rd.entries.marks), Hosts: len(rd.entries.hosts),
	}
	if info.Updated.IsZero() {
		info.Version = "sha256-" + info.SHA256[:12]
		for _, f := range src.files {
			if at := time.Unix(0, f.mtime).UTC(); info.Updated.IsZero() || at.Before(info.Updated) {
				info.Updated = at
			}
		}
	} else {
		info.Version = info.Updated.Format(time.RFC3339)
	}
	return &List{info: info, entries: rd.entries, files: src.files}, nil
}

// open reads one file of a list and makes sure that it is the file that was
// found.
func (r *reading) open(ctx context.Context, folder fs.FS, src *source, i int, digest hash.Hash) (err error) {
	want := src.files[i]
	f, err := folder.Open(want.name)
	if err != nil {
		return fmt.Errorf("open blocklist: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := io.TeeReader(f, digest)
	if src.format == formatDump {
		err = r.dump(ctx, want.name, i == 0, in)
	} else {
		err = r.plain(ctx, want.name, in)
	}
	if err != nil {
		return err
	}
	st, err := fs.Stat(folder, want.name)
	if err != nil {
		return fmt.Errorf("look at blocklist: %w", err)
	}
	if identify(want.name, st) != want {
		return errMoved
	}
	return nil
}

func identify(name string, st fs.FileInfo) fileID {
	return fileID{name: name, size: st.Size(), mtime: st.ModTime().UnixNano()}
}

// scan sorts the files of a folder into lists.
func scan(folder fs.FS) (lists map[string]*source, ignored []string, err error) {
	found, err := fs.ReadDir(folder, ".") // sorted by name
	if err != nil {
		return nil, nil, fmt.Errorf("read folder: %w", err)
	}
	lists = map[string]*source{}
	for _, d := range found {
		name, format, part, ok := parseFileName(d.Name())
		if !ok {
			if !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
				ignored = append(ignored, d.Name())
			}
			continue
		}
		st, err := fs.Stat(folder, d.Name()) // follows links
		if err == nil && !st.Mode().IsRegular() {
			ignored = append(ignored, d.Name())
			continue
		}
		src := lists[name]
		if src == nil {
			src = &source{format: format}
			lists[name] = src
		} else if part < 0 || src.numbers == nil || src.format != format {
			src.err = errClash
		}
		if err != nil {
			src.err = fmt.Errorf("look at blocklist: %w", err)
			continue
		}
		src.files = append(src.files, identify(d.Name(), st))
		if part >= 0 {
			src.numbers = append(src.numbers, part)
		}
	}
	return lists, ignored, nil
}

// parseFileName returns the list that a file belongs to and its number among the
// parts of it, -1 for a file of its own.
func parseFileName(file string) (name string, f format, part int, ok bool) {
	name, ext, _ := strings.Cut(file, ".")
	switch ext {
	case "csv":
		f = formatDump
	case "cidr", "txt":
		f = formatPlain
	default:
		return "", 0, 0, false
	}
	part = -1
	if n := len(name); f == formatDump && n > 3 && name[n-3] == '-' && digit(name[n-2]) && digit(name[n-1]) {
		part = int(name[n-2]-'0')*10 + int(name[n-1]-'0')
		name = name[:n-3]
	}
	if name == "" || name[0] == '-' || len(name) > 32 ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "", 0, 0, false
	}
	return name, f, part, true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func sortedKeys(m map[string]*source) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
