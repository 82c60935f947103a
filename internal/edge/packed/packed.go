package packed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// minGain is how many bytes gzip must save for the compressed form to be kept.
const minGain = 100

// Body is an answer and its compressed form. It is read-only after New.
type Body struct{ plain, gzip []byte }

// New compresses plain as far as gzip can. It keeps plain, which must not change
// afterwards.
func New(plain []byte) (Body, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return Body{}, fmt.Errorf("compress: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return Body{}, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return Body{}, fmt.Errorf("compress: %w", err)
	}
	if out.Len()+minGain > len(plain) {
		return Body{plain: plain}, nil
	}
	return Body{plain: plain, gzip: out.Bytes()}, nil
}

// Serve answers GET and HEAD with 200 and the form that the caller takes. Headers
// that say what the bytes are, and how long they last, are the caller's to set.
func (b Body) Serve(w http.ResponseWriter, r *http.Request) error {
	h, body := w.Header(), b.plain
	if b.gzip != nil {
		h.Add("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = b.gzip
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(body)
	return err
}

// takesGzip reads Accept-Encoding as RFC 9110, 12.5.3 has it, for gzip alone: a
// weight of 0 is a no, and so is everything that cannot be read.
func takesGzip(values []string) bool {
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		if !weighted {
			return strings.TrimSpace(params) == ""
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return err == nil && q > 0
	}
	return false
}
