package devnet

import (
	"net/http"
	"net/http/httptest"
	"testing"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

func TestDownloadThatIsNotThereIsAnError(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // the library leaves its log there
	empty := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(empty.Close)

	bin, err := downloadFrom(t.Context(), t.TempDir(), embeddedpostgres.DefaultConfig().BinaryRepositoryURL(empty.URL))

	if err == nil {
		t.Errorf("got folder %s from an empty repository", bin)
	}
}
