package deploy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
)

// staff is a person with a browser, at the dashboard without what ends TLS.
type staff struct {
	base    string
	cookies map[string]string
}

// enrol follows an invitation: it makes a passkey, as a browser at the public address
// would, and is signed in.
func enrol(t *testing.T, port int, path string) *staff {
	t.Helper()
	s := &staff{base: "http://127.0.0.1:" + strconv.Itoa(port), cookies: map[string]string{}}
	if page := s.get(t, path); !strings.Contains(page, "Ada") {
		t.Fatalf("the link of the first admin shows:\n%s", page)
	}
	begun := s.send(t, http.MethodPost, path+"/begin", "application/json", `{"token": "`+strings.TrimPrefix(path, "/enrol/")+`"}`)
	creation, err := virtualwebauthn.ParseAttestationOptions(begun)
	if err != nil {
		t.Fatal(err)
	}
	rp := virtualwebauthn.RelyingParty{ID: "grants.example.org", Name: creation.RelyingPartyName, Origin: "https://grants.example.org"}
	answer := virtualwebauthn.CreateAttestationResponse(rp, virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2), *creation)
	proof, err := json.Marshal(map[string]any{"name": "Blue key", "credential": json.RawMessage(answer)})
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, http.MethodPost, path+"/finish", "application/json", string(proof))
	return s
}

// addVantage adds a prober on the fleet page, and returns its token.
func (s *staff) addVantage(t *testing.T, name string) string {
	t.Helper()
	if s == nil {
		t.Fatal("nobody was invited before the prober is to enrol")
	}
	form := url.Values{"name": {name}, "place": {"outside"}}
	hidden := regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]+)"`)
	for _, field := range hidden.FindAllStringSubmatch(s.get(t, "/fleet/vantages"), -1) {
		if field[1] == "csrf" {
			form.Set(field[1], field[2])
		}
	}
	page := s.send(t, http.MethodPost, "/fleet/vantages", "application/x-www-form-urlencoded", form.Encode())
	token := regexp.MustCompile(`<bdi class="mono hash" dir="ltr">([^<]+)</bdi>`).FindStringSubmatch(page)
	if token == nil {
		t.Fatalf("the page shows no token:\n%s", page)
	}
	return token[1]
}

// seesAtWork waits until the fleet page says that a prober asks for work.
func (s *staff) seesAtWork(t *testing.T, name string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		page := s.get(t, "/fleet/vantages")
		if strings.Contains(page, name) && strings.Contains(page, "At work") {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s is not at work:\n%s", name, page)
		}
	}
}

func (s *staff) get(t *testing.T, path string) string {
	t.Helper()
	return s.send(t, http.MethodGet, path, "", "")
}

// send returns the body of an answer that is a success. The cookies are kept by hand,
// since they are meant for https alone.
func (s *staff) send(t *testing.T, method, path, contentType, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.base+path, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Forwarded-Proto", "https")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, value := range s.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for _, c := range answer.Cookies() {
		s.cookies[c.Name] = c.Value
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answers %d:\n%s", method, path, answer.StatusCode, text)
	}
	return string(text)
}
