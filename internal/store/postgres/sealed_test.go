package postgres_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestEverySealedColumnIsRewrapped holds testdata/bytea.txt, which says what each column of
// bytes is, against the schema and the code. A column is plain, a hash or the like; sealed
// under the data key of its application; or wrapped: a data key itself, which causeway
// admin keys rewrap puts under the newest key. A new column of bytes fails this until
// somebody has decided which it is, and a second wrapped one until rewrap knows it.
func TestEverySealedColumnIsRewrapped(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "bytea.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	var known []string
	for line := range strings.Lines(string(text)) {
		column, kind, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || !slices.Contains([]string{"plain", "sealed", "wrapped"}, kind) {
			t.Fatalf("line %q is no column and plain, sealed or wrapped", line)
		}
		listed[kind], known = append(listed[kind], column), append(known, column)
	}

	base := pgtest.New(t)
	rows, err := base.Pool(t).Query(t.Context(), `SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
		JOIN information_schema.tables x USING (table_schema, table_name)
		WHERE c.table_schema = 'public' AND x.table_type = 'BASE TABLE' AND c.data_type IN ('bytea', 'ARRAY') AND c.udt_name IN ('bytea', '_bytea')
		AND c.table_name NOT LIKE 'river%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	slices.Sort(columns)
	slices.Sort(known)
	if diff := cmp.Diff(known, columns); rows.Err() != nil || diff != "" {
		t.Errorf("testdata/bytea.txt against the schema (-listed +schema): %v\n%s", rows.Err(), diff)
	}
	slices.Sort(listed["sealed"])
	if diff := cmp.Diff(listed["sealed"], sealedInCode(t)); diff != "" {
		t.Errorf("columns that testdata/bytea.txt calls sealed, and those that the code seals (-listed +sealed):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"application.data_key"}, listed["wrapped"]); diff != "" {
		t.Errorf("columns that keys rewrap knows, and those that testdata/bytea.txt calls wrapped (-known +listed):\n%s", diff)
	}
}

// sealedInCode returns the columns of all places that anything is sealed for.
func sealedInCode(t *testing.T) []string {
	t.Helper()
	place := regexp.MustCompile(`seal\.AAD\{Table: "(\w+)", Column: "(\w+)"`)
	var columns []string
	internal := filepath.Join("..", "..")
	err := fs.WalkDir(os.DirFS(internal), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(internal, path))
		if err != nil {
			return err
		}
		found := place.FindAllSubmatch(text, -1)
		if n := strings.Count(string(text), "seal.AAD{"); n != len(found) {
			t.Errorf("%s: %d of %d places are written so that this test can read them", path, len(found), n)
		}
		for _, f := range found {
			columns = append(columns, string(f[1])+"."+string(f[2]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}
