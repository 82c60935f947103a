package endpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// Checks of an endpoint begin at a random moment between these after it was
// claimed, each endpoint by itself: traffic must not follow a submission.
const (
	checksAfter  = 15 * time.Minute
	checksSpread = 45 * time.Minute
)

// Register makes endpoints of what operators claim.
type Register struct {
	keys   *seal.Keyring
	index  []byte // key of link.Digest
	random io.Reader
}

// NewRegister returns a register whose endpoints are indexed under keys of their own, derived
// from keys; random names and labels them.
func NewRegister(keys *seal.Keyring, random io.Reader) (*Register, error) {
	index, err := keys.Derive(indexLabel)
	if err != nil {
		return nil, fmt.Errorf("derive endpoint key: %w", err)
	}
	return &Register{keys: keys, index: index, random: random}, nil
}

// Of returns the endpoints of an application as they are at now, under the lock of whoever
// writes what is changed of them. live are those that it claims, by position.
func (r *Register) Of(application uuid.UUID, live []Endpoint, p Policy, now time.Time) *Claimed {
	return &Claimed{register: r, application: application, live: live, needed: p.RequireControl, now: now}
}

// Claimed are the endpoints of one application, and what a use case changes of them. Whoever
// made it writes Added and Retired in the transaction of the use case.
type Claimed struct {
	Added   []Added
	Retired []uuid.UUID // no longer claimed or checked

	register    *Register
	application uuid.UUID
	live        []Endpoint
	needed      bool
	now         time.Time
}

// Added is an endpoint that was not claimed before, with what it can have in common with others.
type Added struct {
	Endpoint
	Links []Link
}

// Claim has the application claim c and no other servers from a revision on, which counts from 1.
// A server whose configuration stays keeps its endpoint, with its proof and its checks; any
// change makes another, which has to be proven again. What describes it is sealed under key.
func (c *Claimed) Claim(claims claim.Claims, revision int, key *seal.DataKey) error {
	kept := map[uuid.UUID]bool{}
	for i, one := range claims.Readable() {
		index := link.Digest(c.register.index, one.Spec)
		same := slices.IndexFunc(c.live, func(e Endpoint) bool { return bytes.Equal(e.SpecIndex, index[:]) })
		if same >= 0 {
			kept[c.live[same].ID] = true
			continue
		}
		added, err := c.register.endpoint(one, index, key, c.now)
		if err != nil {
			return err
		}
		added.ApplicationID, added.Position = c.application, (revision-1)*claim.MaxEndpoints+i
		c.Added = append(c.Added, added)
	}
	for _, e := range c.live {
		if !kept[e.ID] {
			c.Retired = append(c.Retired, e.ID)
		}
	}
	return nil
}

// Retire ends every claim: nobody's servers are checked for an application that will not be paid.
func (c *Claimed) Retire() {
	for _, e := range c.live {
		c.Retired = append(c.Retired, e.ID)
	}
}

// Control says whether the fund pays for servers only whose control is proven, how many are
// claimed that can be checked, and the labels of those that are not proven.
func (c *Claimed) Control() (needed bool, claimed int, unproven []string) {
	for _, e := range c.live {
		if !e.Proven(c.now) {
			unproven = append(unproven, e.Label)
		}
	}
	return c.needed, len(c.live), unproven
}

// indexLabel names the key of link.Digest.
const indexLabel = "causeway/endpoint/index"

// SpecAAD is what an endpoint's sealed description is bound to.
func SpecAAD(endpoint uuid.UUID) seal.AAD {
	return seal.AAD{Table: "endpoint", Column: "spec", Row: endpoint.String()}
}

// linkIndex returns the keyed hash by which endpoints that share value are found.
func linkIndex(keys *seal.Keyring, kind LinkKind, value string) ([]byte, error) {
	index, err := keys.BlindIndex("endpoint-link/"+string(kind), value)
	if err != nil {
		return nil, fmt.Errorf("index %s of an endpoint: %w", kind, err)
	}
	return index, nil
}

// letters are those of public names, Crockford's base 32.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func (r *Register) endpoint(
	one claim.Readable,
	index [sha256.Size]byte,
	key *seal.DataKey,
	now time.Time,
) (Added, error) {
	id, err := uuid.NewV7FromReader(r.random)
	if err != nil {
		return Added{}, err
	}
	var b [8]byte
	if _, err := io.ReadFull(r.random, b[:]); err != nil {
		return Added{}, fmt.Errorf("draw an endpoint's label: %w", err)
	}
	label := []byte("EP-")
	for _, x := range b {
		label = append(label, letters[x&31])
	}
	wait, err := chance.Between(r.random, checksAfter, checksAfter+checksSpread)
	if err != nil {
		return Added{}, err
	}
	out := Added{Endpoint: Endpoint{
		ID:         id,
		Label:      string(label),
		Protocol:   one.Spec.Protocol(),
		SpecIndex:  index[:],
		State:      Active,
		Generation: 1,
		ChecksFrom: now.Add(wait).Truncate(time.Microsecond),
		CreatedAt:  now,
	}}
	if out.Spec, err = key.Seal(SpecAAD(id), []byte(one.Text)); err != nil {
		return Added{}, fmt.Errorf("seal an endpoint: %w", err)
	}
	out.Links, err = r.links(out.Endpoint, one.Spec)
	return out, err
}

// links returns what can be compared without a check. A name's address shows only
// when the endpoint is dialled.
func (r *Register) links(e Endpoint, spec link.Spec) ([]Link, error) {
	type common struct {
		kind  LinkKind
		value string
	}
	values := []common{{LinkSpec, hex.EncodeToString(e.SpecIndex)}}
	if ip, literal := spec.Server().Host.IP(); literal {
		values = append(
			values,
			common{LinkListenIP, ip.String()},
			common{LinkListenNet, netplace.Group(ip).String()},
		)
	}
	switch v := spec.(type) {
	case link.MTProto:
		values = append(values, common{LinkSecret, hex.EncodeToString(v.Key[:])})
	case link.WireGuard:
		sum := sha256.Sum256(v.PeerKey[:])
		values = append(values, common{LinkServerKey, hex.EncodeToString(sum[:])})
	}
	var out []Link
	for _, v := range values {
		index, err := linkIndex(r.keys, v.kind, v.value)
		if err != nil {
			return nil, err
		}
		out = append(out, Link{EndpointID: e.ID, Kind: v.kind, Index: index, SeenAt: e.CreatedAt})
	}
	return out, nil
}
