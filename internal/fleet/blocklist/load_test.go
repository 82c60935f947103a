package blocklist_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
)

func file(at int64, text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(text), ModTime: time.Unix(at, 0)}
}

func dump(rows ...string) string {
	return "Updated: 2025-01-02 03:04:05 +0000\n" + strings.Join(rows, "\n") + "\n"
}

func row(address string) string { return address + ";;;a;o;2020-01-01" }

// opened counts what is read, so that a test can say what was not.
type opened struct {
	fstest.MapFS

	names   []string
	onRead  func()
	refused string
}

func (o *opened) Open(name string) (fs.File, error) {
	if name == o.refused {
		return nil, fs.ErrPermission
	}
	f, err := o.MapFS.Open(name)
	if name != "." && err == nil {
		o.names = append(o.names, name)
		if o.onRead != nil {
			o.onRead()
		}
	}
	return f, err
}

func (o *opened) Stat(name string) (fs.FileInfo, error) {
	if name == o.refused {
		return nil, fs.ErrNotExist
	}
	return o.MapFS.Stat(name)
}

func mustLoad(t *testing.T, folder fs.FS, old *blocklist.Set) (*blocklist.Set, blocklist.Report) {
	t.Helper()
	set, report, err := blocklist.Load(t.Context(), folder, old)
	if err != nil {
		t.Fatal(err)
	}
	return set, report
}

func listed(set *blocklist.Set, addr string) bool {
	return len(set.Address(netip.MustParseAddr(addr))) > 0
}

func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	t.Parallel()
	folder := &opened{MapFS: fstest.MapFS{
		"a-00.csv": file(1, dump(row("192.0.2.1"))), "a-01.csv": file(1, row("192.0.2.2")), "b.txt": file(1, "192.0.2.3"),
	}}
	set, _ := mustLoad(t, folder, nil)
	folder.names = nil
	folder.MapFS["b.txt"] = file(2, "192.0.2.4")
	next, report := mustLoad(t, folder, set)
	if diff := cmp.Diff([]string{"b.txt"}, folder.names); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if !report.Lists[0].Unchanged || report.Lists[1].Unchanged || report.Lists[0].Networks != 2 || report.Lists[1].Before.Version != set.Lists()[1].Version {
		t.Errorf("report: %+v", report)
	}
	for addr, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": true, "192.0.2.3": false, "192.0.2.4": true} {
		if listed(next, addr) != want {
			t.Errorf("%s listed: %v", addr, !want)
		}
	}
	if !listed(set, "192.0.2.3") {
		t.Error("the set before has changed")
	}
}

func TestWhatCannotBeReadLeavesTheListBeforeInUse(t *testing.T) {
	t.Parallel()
	good := dump(row("192.0.2.1"))
	for name, c := range map[string]struct {
		change func(*opened)
		why    string
	}{
		"empty":      {func(o *opened) { o.MapFS["a.csv"] = file(2, "") }, "it has no entries"},
		"error page": {func(o *opened) { o.MapFS["a.csv"] = file(2, "<html>\n<b>404</b>\n"+row("192.0.2.9")) }, "most of its rows"},
		"two forms":  {func(o *opened) { o.MapFS["a.cidr"] = file(2, "192.0.2.9") }, "several files"},
		"whole and parts": {func(o *opened) {
			o.MapFS["a-00.csv"] = file(2, dump(row("192.0.2.9")))
		}, "several files"},
		"refused": {func(o *opened) { o.MapFS["a.csv"], o.refused = file(2, good), "a.csv" }, "a file cannot be read"},
		"a link to nothing beside it": {func(o *opened) {
			o.MapFS["a.cidr"], o.refused = file(2, ""), "a.cidr"
		}, "several files"},
		"changed while it was read": {func(o *opened) {
			o.MapFS["a.csv"] = file(2, good)
			o.onRead = func() { o.MapFS["a.csv"] = file(3, good) }
		}, "changed while"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := &opened{MapFS: fstest.MapFS{"a.csv": file(1, good), "b.txt": file(1, "192.0.2.2")}}
			set, _ := mustLoad(t, folder, nil)
			c.change(folder)
			next, report := mustLoad(t, folder, set)
			e := report.Lists[0].Err
			if !errs.Is(e, "blocklist_refused") || !strings.Contains(e.Error(), c.why) || !strings.Contains(e.Error(), "The one of version 2025-01-02T03:04:05Z stays in use.") {
				t.Errorf("error: %v", e)
			}
			if !listed(next, "192.0.2.1") || listed(next, "192.0.2.9") || !listed(next, "192.0.2.2") || report.Lists[0].Networks != 1 {
				t.Errorf("in use: %+v", next.Lists())
			}
		})
	}
}

func TestPartsAreOneList(t *testing.T) {
	t.Parallel()
	later := "Updated: 2025-01-03 00:00:00 +0000\n"
	set, report := mustLoad(t, fstest.MapFS{
		"a-00.csv": file(1, later+row("192.0.2.1")),
		"a-01.csv": file(1, dump(row("192.0.2.2"))), // older
		"a-03.csv": file(1, row("192.0.2.3")),       // no header of its own
	}, nil)
	if len(set.Lists()) != 1 || set.Lists()[0].Version != "2025-01-02T03:04:05Z" || set.Lists()[0].Networks != 3 {
		t.Errorf("lists: %+v", set.Lists())
	}
	want := []blocklist.Problem{
		{File: "a-01.csv", Line: 1, Why: "the parts of the list have different dates"},
		{File: "a", Why: "parts of the list are missing"},
	}
	if diff := cmp.Diff(want, report.Lists[0].Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestADumpWithoutADateIsNamedByItsBytes(t *testing.T) {
	t.Parallel()
	set, report := mustLoad(t, fstest.MapFS{"a.csv": file(7, row("192.0.2.1"))}, nil)
	info := set.Lists()[0]
	if info.Version != "sha256-"+info.SHA256[:12] || !info.Updated.Equal(time.Unix(7, 0)) || !listed(set, "192.0.2.1") {
		t.Errorf("info: %+v", info)
	}
	if p := report.Lists[0].Problems; len(p) != 1 || p[0].Line != 1 {
		t.Errorf("problems: %+v", p)
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	set, report := mustLoad(t, fstest.MapFS{
		"a.txt": file(1, "192.0.2.1"), "b.txt": file(1, "192.0.2.2"), "README.md": file(1, ""), "Großes.txt": file(1, ""), "a.csv.gz": file(1, ""),
		".hidden": file(1, ""), "sub/c.txt": file(1, "192.0.2.3"), "d.csv/x": file(1, ""), "-00.csv": file(1, ""), "x.y.csv": file(1, ""),
		strings.Repeat("n", 33) + ".txt": file(1, ""),
	}, nil)
	if len(set.Lists()) != 2 || listed(set, "192.0.2.3") {
		t.Errorf("lists: %+v", set.Lists())
	}
	want := []string{"-00.csv", "Großes.txt", "README.md", "a.csv.gz", "d.csv", strings.Repeat("n", 33) + ".txt", "x.y.csv"}
	if diff := cmp.Diff(want, report.Ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}

	next, report := mustLoad(t, fstest.MapFS{"a.txt": file(1, "192.0.2.1")}, set)
	if listed(next, "192.0.2.2") || len(report.Gone) != 1 || report.Gone[0] != "b" {
		t.Errorf("a list that was taken away: %+v", report)
	}
	same, _, err := blocklist.Load(t.Context(), fstest.MapFS{}, set)
	if !errs.Is(err, "blocklists_gone") || same != set {
		t.Errorf("an empty folder: %v", err)
	}
	same, _, err = blocklist.Load(t.Context(), os.DirFS("testdata/none"), set)
	if !errs.Is(err, "blocklists_unreadable") || same != set {
		t.Errorf("a folder that cannot be read: %v", err)
	}
	none, _, err := blocklist.Load(t.Context(), fstest.MapFS{}, nil)
	if err != nil || len(none.Lists()) != 0 {
		t.Errorf("a folder that was always empty: %v", err)
	}
}

func TestLoadStopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	folder := &opened{MapFS: fstest.MapFS{"a.txt": file(1, strings.Repeat("192.0.2.1\n", 5000))}, onRead: cancel}
	set := blocklist.NewSet()
	got, _, err := blocklist.Load(ctx, folder, set)
	if !errors.Is(err, context.Canceled) || got != set {
		t.Errorf("got %v", err)
	}
}
