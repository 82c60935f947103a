package grant

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/netplace"
	"github.com/causeway-fund/causeway/internal/probe/link"
	"github.com/causeway-fund/causeway/internal/seal"
)

// Checks of an endpoint begin at a random moment between these after it was
// claimed, each endpoint by itself: traffic must not follow a submission.
const (
	checksAfter  = 15 * time.Minute
	checksSpread = 45 * time.Minute
)

// SpecAAD is what an endpoint's sealed description is bound to.
func SpecAAD(endpoint uuid.UUID) seal.AAD {
	return seal.AAD{Table: "endpoint", Column: "spec", Row: endpoint.String()}
}

// LinkIndex returns the keyed hash by which endpoints that share value are found.
func LinkIndex(keys *seal.Keyring, kind, value string) ([]byte, error) {
	index, err := keys.BlindIndex("endpoint-link/"+kind, value)
	if err != nil {
		return nil, fmt.Errorf("index %s of an endpoint: %w", kind, err)
	}
	return index, nil
}

// claim is an endpoint that can be checked: what is known of it and its text.
type claim struct {
	spec link.Spec
	text string
}

// claims are the endpoints of a proposal. One that cannot be checked, because
// protocol, host and port do not say enough, has none: it is listed and stays
// unproven.
type claims struct {
	of  []*claim // as Proposal.Endpoints
	bad []errs.Field
}

// read understands the endpoints of p, and fills in what their links say.
func (p Proposal) read() (Proposal, claims) {
	var c claims
	if len(p.Endpoints) > MaxEndpoints { // refused unread
		return p, c
	}
	p.Endpoints = slices.Clone(p.Endpoints)
	var seen []link.Spec
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		prefix := "endpoints[" + itoa(i) + "]."
		one := e.read(prefix, &c.bad)
		if one != nil && slices.ContainsFunc(seen, func(s link.Spec) bool { return link.Digest(nil, s) == link.Digest(nil, one.spec) }) {
			c.bad = append(c.bad, errs.Field{Field: prefix + e.named(), Code: "endpoint_twice", Message: "This server stands in the list already."})
		}
		if one != nil {
			seen = append(seen, one.spec)
		}
		c.of = append(c.of, one)
	}
	return p, c
}

// named is the field that a refusal of the whole endpoint names.
func (e *Endpoint) named() string {
	if e.Link != "" {
		return "link"
	}
	return "host"
}

func (e *Endpoint) read(prefix string, bad *[]errs.Field) *claim {
	if e.Link == "" {
		text := e.text()
		if spec, err := link.Parse(text); text != "" && err == nil {
			return &claim{spec, text}
		}
		return nil
	}
	spec, err := link.Parse(e.Link)
	if err != nil {
		*bad = append(*bad, linkFields(prefix+"link", err)...)
		return nil
	}
	at := spec.Server()
	e.Protocol, e.Host, e.Port = strings.ReplaceAll(string(spec.Protocol()), "_", "-"), at.Host.String(), int(at.Port)
	e.Username, e.Secret = "", "" // what counts is in the link
	return &claim{spec, e.Link}
}

// linkFields turns what link.Parse refused into errors of one field; each says
// which line or parameter it means.
func linkFields(field string, err error) []errs.Field {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []errs.Field{{Field: field, Code: "link_refused", Message: "This cannot be read."}}
	}
	var out []errs.Field
	for _, f := range e.Fields {
		message := f.Message
		if f.Field != "endpoint" {
			message = strings.ToUpper(f.Field[:1]) + f.Field[1:] + ": " + message
		}
		params := map[string]string{"where": f.Field, "reason": f.Code}
		if n := f.Params["line"]; n != "" {
			params["line"] = n
		}
		out = append(out, errs.Field{Field: field, Code: "link_refused", Message: message, Params: params})
	}
	return out
}

// text writes the fields of a form as a link; "" where they do not say enough.
func (e *Endpoint) text() string {
	server := net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	user := ""
	if e.Username != "" || e.Secret != "" {
		user = escape(e.Username) + ":" + escape(e.Secret) + "@"
	}
	switch e.Protocol {
	case "socks5":
		return "socks5://" + user + server
	case "http-connect":
		return "http://" + user + server
	case "mtproto":
		return "tg://proxy?server=" + e.Host + "&port=" + strconv.Itoa(e.Port) + "&secret=" + escape(e.Secret)
	case "trojan":
		return "trojan://" + escape(e.Secret) + "@" + server
	}
	return ""
}

// escape writes a word so that nothing in it separates parts of a link.
func escape(word string) string {
	return strings.NewReplacer(":", "%3A", "@", "%40", "&", "%26").Replace(url.PathEscape(word))
}

// newEndpoints makes the rows of the claims that no live endpoint stands for, and
// says which live ones are claimed no more. Any change of a configuration makes
// another endpoint, which has to be proven again.
func (s *Service) newEndpoints(c claims, a Application, key *seal.DataKey, live []LiveEndpoint, now time.Time) (rows []NewEndpoint, retire []uuid.UUID, err error) {
	kept := map[uuid.UUID]bool{}
	for i, one := range c.of {
		if one == nil {
			continue
		}
		index := link.Digest(s.endpointKey, one.spec)
		same := slices.IndexFunc(live, func(l LiveEndpoint) bool { return bytes.Equal(l.SpecIndex, index[:]) })
		if same >= 0 {
			kept[live[same].ID] = true
			continue
		}
		row, err := s.newEndpoint(one, index, key, now)
		if err != nil {
			return nil, nil, err
		}
		row.Position = (a.Revision-1)*MaxEndpoints + i
		rows = append(rows, row)
	}
	for _, l := range live {
		if !kept[l.ID] {
			retire = append(retire, l.ID)
		}
	}
	return rows, retire, nil
}

func (s *Service) newEndpoint(one *claim, index [sha256.Size]byte, key *seal.DataKey, now time.Time) (NewEndpoint, error) {
	id, err := s.newID()
	if err != nil {
		return NewEndpoint{}, err
	}
	var b [16]byte
	if _, err := io.ReadFull(s.cfg.Random, b[:]); err != nil {
		return NewEndpoint{}, fmt.Errorf("draw an endpoint's label: %w", err)
	}
	label := []byte("EP-")
	for _, x := range b[:8] {
		label = append(label, letters[x&31])
	}
	spread := time.Duration(binary.BigEndian.Uint64(b[8:]) % uint64(checksSpread))
	row := NewEndpoint{
		ID: id, Label: string(label), Protocol: string(one.spec.Protocol()), SpecIndex: index[:],
		ChecksFrom: now.Add(checksAfter + spread).Truncate(time.Microsecond),
	}
	if row.Spec, err = key.Seal(SpecAAD(id), []byte(one.text)); err != nil {
		return NewEndpoint{}, fmt.Errorf("seal an endpoint: %w", err)
	}
	row.Links, err = s.links(one.spec, index)
	return row, err
}

// links returns what can be compared without a check. A name's address shows only
// when the endpoint is dialled.
func (s *Service) links(spec link.Spec, index [sha256.Size]byte) ([]EndpointLink, error) {
	values := [][2]string{{"spec", hex.EncodeToString(index[:])}}
	if ip, literal := spec.Server().Host.IP(); literal {
		values = append(values, [2]string{"listen_ip", ip.String()}, [2]string{"listen_net", netplace.Group(ip).String()})
	}
	switch v := spec.(type) {
	case link.MTProto:
		values = append(values, [2]string{"secret", hex.EncodeToString(v.Key[:])})
	case link.WireGuard:
		sum := sha256.Sum256(v.PeerKey[:])
		values = append(values, [2]string{"server_key", hex.EncodeToString(sum[:])})
	}
	var out []EndpointLink
	for _, v := range values {
		index, err := LinkIndex(s.cfg.Keys, v[0], v[1])
		if err != nil {
			return nil, err
		}
		out = append(out, EndpointLink{Kind: v[0], Index: index})
	}
	return out, nil
}

// retireAll ends all claims: nobody's servers are checked for an application that
// will not be paid.
func (w *Work) retireAll() {
	for _, e := range w.Endpoints {
		w.RetireEndpoints = append(w.RetireEndpoints, e.ID)
	}
}

// provenControl refuses an approval that would pay for what nobody has proven.
func provenControl(w *Work) error {
	if !w.NeedControl {
		return nil
	}
	var unproven []string
	for _, e := range w.Endpoints {
		if !e.Proven {
			unproven = append(unproven, e.Label)
		}
	}
	switch {
	case len(w.Endpoints) == 0:
		return errs.New(errs.Conflict, "endpoint_unproven", "The fund pays only for servers whose control is proven, and this application has none that can be checked. Nothing was decided: ask the operator for a link or a configuration file of each server.")
	case len(unproven) > 0:
		err := errs.Newf(errs.Conflict, "endpoint_unproven", "The fund pays only for servers whose control is proven. Not proven: %s. Nothing was decided: ask the operator to prove them on the status page, then decide again.", strings.Join(unproven, ", "))
		err.Params = map[string]string{"endpoints": strings.Join(unproven, ", ")}
		return err
	}
	return nil
}
