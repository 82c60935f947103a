package web_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const (
	password = "swordfish-not-for-eyes"
	ownSocks = "socks5://samizdat:" + password + "@203.0.113.9:1080"
	ownGuard = "[Interface]\r\nPrivateKey = aPCVUn0wDMqPzVUuPaqVYzOGQjVrM7ExZVrzVvHTE1w=\r\nAddress = 10.0.0.2/32\r\n\r\n[Peer]\r\nPublicKey = 1SBmLIvZDvXTcFqVz7jtSWw0EPAjJLw8CNBVSA4bNHk=\r\nEndpoint = relay.example.org:51820\r\nAllowedIPs = 0.0.0.0/0\r\n"
)

// submitFiles submits a form as submit does, as a browser with files does.
func (b *browser) submitFiles(p page, action string, set url.Values, files map[string]string) page {
	b.t.Helper()
	values := fields(p.form(action))
	for name, list := range set {
		values[name] = list
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, list := range values {
		if _, isFile := files[name]; isFile {
			continue
		}
		for _, v := range list {
			must(b.t, w.WriteField(name, v))
		}
	}
	for name, text := range files {
		part, err := w.CreateFormFile(name, "own.conf")
		must(b.t, err)
		_, err = part.Write([]byte(text))
		must(b.t, err)
	}
	must(b.t, w.Close())
	return b.send(http.MethodPost, action, w.FormDataContentType(), body.Bytes())
}

// applyWith goes through the whole form with these servers and returns the page
// that shows the receipt code.
func (b *browser) applyWith(address string, links []string, files map[string]string) page {
	b.t.Helper()
	form := b.get("/apply").wants(200, "Its link or configuration")
	for range len(links) - 1 {
		form = b.submit(form, "/apply", url.Values{"button": {"go=add"}})
	}
	next := b.submitFiles(form, "/apply", url.Values{
		"title": {"Two ways out"}, "narrative": {"Two servers that students read the news through."}, "region": {"IR"}, "language": {"en"},
		"endpoint_link": links, "go": {"next"},
	}, files)
	next.wants(200, "Amount you need")
	check := b.submit(next, "/apply", url.Values{"amount_sat": {"250000"}, "payout_address": {address}, "button": {"go=next"}}).wants(200, "WireGuard", "relay.example.org:51820", "set, not shown", "203.0.113.9:1080")
	return b.submit(check, "/apply", url.Values{"button": {"go=send"}}).wants(200, "receipt code")
}

func TestServersAreGivenAsLinksAndFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()
	start := b.get("/apply")

	refused := b.submit(start, "/apply", url.Values{"title": {"Kept"}, "endpoint_link": {"client\r\nremote relay.example.org 1194\r\nup /bin/sh\r\n"}, "button": {"go=next"}})
	refused.wants(422, "Server 1: Line 3:", "take the line out")
	if got := fields(refused.form("/apply")); got.Get("title") != "Kept" || !strings.Contains(got.Get("endpoint_link"), "up /bin/sh") {
		t.Errorf("the form forgot: %v", got)
	}
	b.submit(start, "/apply", url.Values{"button": {"go=next"}}).wants(422, "Server 1: Fill this in")
	read := b.submit(start, "/apply", url.Values{"endpoint_link": {ownSocks}, "button": {"go=read"}}).wants(200, "Understood: SOCKS5", "203.0.113.9:1080", "samizdat", "set, not shown")
	for n := range read.doc.Descendants() {
		if attr(n, "class") == "note ok" && strings.Contains(textOf(n), password) {
			t.Error("what was understood shows a secret")
		}
	}
	b.submitFiles(start, "/apply", url.Values{"go": {"next"}}, map[string]string{"endpoint_file_0": "client\n" + strings.Repeat("# a long file\n", 30_000)}).wants(422, "at most 65536 bytes")
	b.submitFiles(start, "/apply", url.Values{"go": {"next"}}, map[string]string{"endpoint_file_0": strings.Repeat("x", 3<<20)}).wants(413)
	b.submitFiles(start, "/apply", url.Values{"go": {"next"}}, map[string]string{"endpoint_file_0": "\x7fELF\x00\xff"}).wants(422, "not a text file")
	code := codeOf(b.applyWith(payee(t, 0), []string{ownSocks, ""}, map[string]string{"endpoint_file_1": ownGuard}))
	status := b.submit(b.get("/status"), "/status", url.Values{"code": {code}}).wants(200, "Your servers", "SOCKS5 203.0.113.9:1080", "WireGuard relay.example.org:51820", "Not checked yet", "Not proven to be yours")
	if strings.Contains(string(status.body), password) {
		t.Error("the page of the application holds a secret of a server")
	}
	twice := b.submit(b.get("/apply"), "/apply", url.Values{"button": {"go=add"}})
	twice = b.submitFiles(twice, "/apply", url.Values{
		"title": {"Two ways out"}, "narrative": {"Two servers that students read the news through."}, "region": {"IR"}, "language": {"en"},
		"amount_sat": {"250000"}, "payout_address": {payee(t, 1)}, "endpoint_link": {ownSocks, ownSocks}, "go": {"send"},
	}, nil)
	twice.wants(422, "Server 2: This server is already in the list.")
}

// labels returns the labels of the servers that a status page opens.
func labels(p page) []string {
	var out []string
	for n := range p.doc.Descendants() {
		if attr(n, "name") == "label" {
			out = append(out, attr(n, "value"))
		}
	}
	return out
}

// checked is an application with two servers, whose checks have begun, and a
// prober.
type checked struct {
	*rig
	op    *browser
	code  string
	label string // of the first server
	agent *prober
}

func newChecked(t *testing.T) checked {
	t.Helper()
	c := checked{rig: newRig(t)}
	admin := c.hire("Noor", identity.RoleAdmin)
	added := admin.submit(admin.get("/fleet/vantages"), "/fleet/vantages", url.Values{"name": {"fi-1"}, "country": {"fi"}, "asn": {"AS64500"}, "place": {"outside"}})
	c.agent = c.enrol(tokenOf(t, added.wants(200, "Token for fi-1", "Not enrolled yet", "AS64500")))
	c.op = c.browse()
	c.code = codeOf(c.op.applyWith(payee(t, 0), []string{ownSocks, ""}, map[string]string{"endpoint_file_1": ownGuard}))
	c.label = labels(c.op.submit(c.op.get("/status"), "/status", url.Values{"code": {c.code}}))[0]
	c.post("", nil).wants(200, "There has been no check yet", "A login that we made", "Make a new login")
	c.post("/recheck", nil).wants(429, "Checks of a new server begin within the first hour")
	c.clock.Advance(61 * time.Minute)
	return c
}

// post sends one of the forms of the server's page.
func (c checked) post(verb string, more url.Values) page {
	c.t.Helper()
	form := url.Values{"label": {c.label}}
	form.Set("code", c.code)
	for name, list := range more {
		form[name] = list
	}
	return c.op.post("/status/server"+verb, form)
}

func TestAnOperatorSeesAndProvesAServer(t *testing.T) {
	t.Parallel()
	c := newChecked(t)

	c.post("/recheck", nil).wants(200, "Asked for.", "A check is on its way")
	c.agent.work(failed(probe.StageTCP, probe.ClassRefused))
	c.post("", nil).wants(200, "Does not work", "nothing takes connections on this port", "check you asked for", "not reached", "You can ask again at")
	if soon := c.post("/recheck", nil).wants(429, "again every 10 minutes"); !soon.has("/status/server/recheck") {
		t.Error("what is refused does not come back on the page of the server")
	}

	c.post("/prove", url.Values{"kind": {"credential"}}).wants(200, "We check within a minute")
	c.agent.work(letsAnybodyIn)
	c.post("", nil).wants(200, "did not hold", "also let in a login that nobody knows", "Not proven to be yours")
	c.post("/prove", url.Values{"kind": {"credential"}}).wants(200, "We check within a minute")
	c.agent.work(proven)
	c.post("", nil).wants(200, "Yours: proven", "How: A login that we made", "Works")
	c.sameOfControl("true", "Yours: proven")
	c.post("/prove", url.Values{"kind": {"dns"}}).wants(422, "cannot be proven in this way")
	c.post("/rotate", nil).wants(200, "Here is the new login", "login number 2", "Not proven to be yours")

	record := c.post("/snapshot", nil)
	if record.status != 200 || !strings.Contains(record.header.Get("Content-Disposition"), c.label) || !bytes.Contains(record.body, []byte(c.label)) {
		t.Errorf("the record is %d, %v: %.200s", record.status, record.header, record.body)
	}
	c.post("", url.Values{"label": {"EP-NOTMINE"}}).wants(404)
	for _, verb := range []string{"", "/recheck"} {
		if p := c.post(verb, url.Values{"code": {"7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE"}}).wants(404, "We know no application with this code"); !p.has("/status") {
			t.Error("an unknown code does not lead back to the form for codes")
		}
	}
}

// TestAProofThatEndedIsNotShownAsStanding: nobody is paid for the server after the end, and its operator has to know.
func TestAProofThatEndedIsNotShownAsStanding(t *testing.T) {
	t.Parallel()
	c := newChecked(t)
	c.post("/prove", url.Values{"kind": {"credential"}}).wants(200, "We check within a minute")
	c.agent.work(proven)
	c.sameOfControl("true", "Yours: proven")

	var until time.Time
	must(t, c.owner.Pool().QueryRow(t.Context(), "SELECT proven_until FROM endpoint WHERE label = $1", c.label).Scan(&until))
	c.clock.Advance(until.Sub(c.clock.Now()))

	c.sameOfControl("false", "Not proven to be yours")
	ended := c.post("", nil).wants(200, "Not proven to be yours", "ended on "+until.UTC().Format("2006-01-02 15:04"))
	if strings.Contains(ended.text(), "Proven on") || strings.Contains(ended.text(), "We check again") {
		t.Error("a proof that has ended is shown as standing")
	}
	reviewer := c.hire("Mara", identity.RoleReviewer)
	if p := reviewer.get("/review/"+c.idOf(c.code)).wants(200, "Control not proven"); strings.Contains(p.text(), "Control proven") {
		t.Error("reviewers are shown a proof that has ended as standing")
	}
}

// sameOfControl holds what the API and the page say of control of the server.
func (c checked) sameOfControl(proven, words string) {
	c.t.Helper()
	c.post("", nil).wants(200, words)
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/v1/application/endpoints", http.NoBody)
	must(c.t, err)
	req.Header.Set("Causeway-Receipt", c.code)
	resp, err := (&http.Client{}).Do(req)
	must(c.t, err)
	defer resp.Body.Close()
	var list struct {
		Items []struct {
			Label   string `json:"label"`
			Control struct {
				Proven bool `json:"proven"`
			} `json:"control"`
		} `json:"items"`
	}
	must(c.t, json.NewDecoder(resp.Body).Decode(&list))
	for _, e := range list.Items {
		if e.Label == c.label && strconv.FormatBool(e.Control.Proven) != proven {
			c.t.Errorf("the API says proven: %t, the page %q", e.Control.Proven, words)
		}
	}
	if len(list.Items) != 2 {
		c.t.Errorf("the API has %d servers", len(list.Items))
	}
}

func TestAnOperatorDeclaresABreak(t *testing.T) {
	t.Parallel()
	c := newChecked(t)
	in := func(hours int) string {
		return c.clock.Now().Add(time.Duration(hours) * time.Hour).Format("2006-01-02T15:04")
	}

	c.post("/maintenance", url.Values{"from": {in(30)}, "to": {in(32)}}).wants(200, "Declared.")
	late := c.post("/maintenance", url.Values{"from": {in(1)}, "to": {in(3)}}).wants(422, "declared ahead of time")
	if got := fields(late.form("/status/server/maintenance")); got.Get("to") != in(3) {
		t.Errorf("the form forgot: %v", got)
	}
	c.post("/maintenance", url.Values{"from": {in(30)}, "to": {in(90)}}).wants(422, "longer than the fund excludes")
	c.post("/maintenance", url.Values{"from": {"tomorrow"}}).wants(422, "2 fields need another look", "Write a date and a time")
}

func TestReviewersSeeServersBlind(t *testing.T) {
	t.Parallel()
	c := newChecked(t)
	c.post("/prove", url.Values{"kind": {"credential"}})
	c.agent.work(proven)
	reviewer := c.hire("Mara", identity.RoleReviewer)
	path := "/review/" + c.idOf(c.code)

	blind := reviewer.get(path).wants(200, c.label, "Control proven", "Control not proven", "Works", "fi-1")
	beside := reviewer.get("/review?id="+c.idOf(c.code)).wants(200, c.label)
	for _, secret := range []string{"203.0.113.9", "relay.example.org", "samizdat", password} {
		if strings.Contains(string(blind.body), secret) || strings.Contains(string(beside.body), secret) {
			t.Errorf("a reviewer who unsealed nothing sees %s", secret)
		}
	}
	reviewer.submit(blind, path+"/servers", nil).wants(200, "Addresses shown", "203.0.113.9:1080", "samizdat")
	recheck := ""
	for n := range blind.doc.Descendants() {
		if a := attr(n, "action"); recheck == "" && strings.HasSuffix(a, "/recheck") {
			recheck = a
		}
	}
	reviewer.submit(blind, recheck, nil).wants(200, "a check is on its way")
	again := reviewer.submit(blind, recheck, nil).wants(409, "A check of this server is already running")
	if !again.has(path + "/vote") {
		t.Error("a refused check does not come back on the application's page")
	}
	reviewer.post(path+"/servers/none/recheck", fields(blind.form(recheck))).wants(404)
	c.hire("Lin", identity.RoleTreasurer).post(path+"/servers", nil).wants(403)
}

func TestStaffSeeTheFleet(t *testing.T) {
	t.Parallel()
	c := newChecked(t)
	c.post("/recheck", nil)
	c.agent.work(failed(probe.StageTCP, probe.ClassRefused))
	reviewer, admin := c.hire("Mara", identity.RoleReviewer), c.hire("Nour", identity.RoleAdmin)

	reviewer.get("/fleet").wants(200, "By protocol", "SOCKS5", "WireGuard", "Checks waiting", "By prober")
	if reviewer.get("/fleet/vantages").wants(200, "fi-1", "At work").has("/fleet/vantages") {
		t.Error("a reviewer is offered to add probers")
	}
	list := admin.get("/fleet/vantages")
	if strings.Contains(list.text(), "Token for") {
		t.Error("the token is shown again")
	}
	admin.submit(list, "/fleet/vantages", url.Values{"name": {"Not A Name"}, "country": {"Holland"}}).wants(422, "small letters", "two capital letters")
	admin.submit(list, "/fleet/vantages", url.Values{"name": {"nl-1"}, "asn": {"x"}}).wants(422, "A network number is a whole number")
	admin.submit(list, "/fleet/vantages/"+c.agent.welcome.Vantage.String()+"/disable", nil).wants(200, "Switched off")
	c.clock.Advance(9 * time.Minute)
	reviewer.get("/fleet").wants(200, "9 min")
}

func TestWithoutChecksServersAreOnlyClaimed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil)
	b, reviewer := r.browse(), r.hire("Mara", identity.RoleReviewer)

	check := b.fillIn(payee(t, 0), "250000").wants(200, "MTProto", "Exit1.example.net")
	code := codeOf(b.submit(check, "/apply", url.Values{"button": {"go=send"}}).wants(200))

	if p := b.get("/apply"); strings.Contains(p.text(), "Its link or configuration") || fields(p.form("/apply")).Has("endpoint_link") {
		t.Error("a link is asked for and nobody reads it")
	}
	if p := b.submit(b.get("/status"), "/status", url.Values{"code": {code}}).wants(200); strings.Contains(p.text(), "Your servers") {
		t.Error("servers are shown as if they were checked")
	}
	if p := reviewer.get("/review/"+r.idOf(code)).wants(200, "Not measured yet"); strings.Contains(string(p.body), `href="/fleet"`) {
		t.Error("the menu leads to a fleet that there is not")
	}
	reviewer.get("/fleet").wants(404)
}
