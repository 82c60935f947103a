package claim

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

// Row is a server of a revision that was not claimed by the one before.
type Row struct {
	ID         uuid.UUID
	Label      string // public locator, e.g. "EP-7K3FQ2X9"
	Position   int    // counts up through an application's life, from 0
	Protocol   string // as package probe names it, e.g. "http_connect"
	Spec       []byte // sealed text that describes it, which link.Parse reads
	SpecIndex  []byte // keyed digest of what was understood
	Links      []Link
	ChecksFrom time.Time // no check before
}

// Link is a keyed hash of something that endpoints can have in common.
type Link struct {
	Kind  string // endpoint.LinkKind
	Index []byte
}

// Live is an endpoint that an application claims now.
type Live struct {
	ID        uuid.UUID
	Label     string
	Position  int
	SpecIndex []byte
	Proven    bool // control is proven, and not too long ago
}

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

// Register makes rows of claims.
type Register struct {
	keys   *seal.Keyring
	index  []byte // key of link.Digest
	random io.Reader
}

// NewRegister returns a register whose rows are indexed under keys of their own, derived
// from keys; random names and labels them.
func NewRegister(keys *seal.Keyring, random io.Reader) (*Register, error) {
	index, err := keys.Derive("causeway/endpoint/index")
	if err != nil {
		return nil, err
	}
	return &Register{keys: keys, index: index, random: random}, nil
}

// Rows makes the rows of the claims that no live endpoint stands for, sealed under key,
// and says which live ones are no longer claimed. revision counts from 1.
func (r *Register) Rows(
	c Claims,
	revision int,
	key *seal.DataKey,
	live []Live,
	now time.Time,
) (rows []Row, retire []uuid.UUID, err error) {
	kept := map[uuid.UUID]bool{}
	for i, one := range c.read {
		if one == nil {
			continue
		}
		index := link.Digest(r.index, one.spec)
		same := slices.IndexFunc(live, func(l Live) bool { return bytes.Equal(l.SpecIndex, index[:]) })
		if same >= 0 {
			kept[live[same].ID] = true
			continue
		}
		row, err := r.row(one, index, key, now)
		if err != nil {
			return nil, nil, err
		}
		row.Position = (revision-1)*MaxEndpoints + i
		rows = append(rows, row)
	}
	for _, l := range live {
		if !kept[l.ID] {
			retire = append(retire, l.ID)
		}
	}
	return rows, retire, nil
}

// letters are those of public names, Crockford's base 32.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func (r *Register) row(one *readable, index [sha256.Size]byte, key *seal.DataKey, now time.Time) (Row, error) {
	id, err := uuid.NewV7FromReader(r.random)
	if err != nil {
		return Row{}, err
	}
	var b [8]byte
	if _, err := io.ReadFull(r.random, b[:]); err != nil {
		return Row{}, fmt.Errorf("draw an endpoint's label: %w", err)
	}
	label := []byte("EP-")
	for _, x := range b {
		label = append(label, letters[x&31])
	}
	wait, err := chance.Between(r.random, checksAfter, checksAfter+checksSpread)
	if err != nil {
		return Row{}, err
	}
	row := Row{
		ID: id, Label: string(label), Protocol: string(one.spec.Protocol()), SpecIndex: index[:],
		ChecksFrom: now.Add(wait).Truncate(time.Microsecond),
	}
	if row.Spec, err = key.Seal(SpecAAD(id), []byte(one.text)); err != nil {
		return Row{}, fmt.Errorf("seal an endpoint: %w", err)
	}
	row.Links, err = r.links(one.spec, index)
	return row, err
}

// links returns what can be compared without a check. A name's address shows only
// when the endpoint is dialled.
func (r *Register) links(spec link.Spec, index [sha256.Size]byte) ([]Link, error) {
	values := [][2]string{{"spec", hex.EncodeToString(index[:])}}
	if ip, literal := spec.Server().Host.IP(); literal {
		values = append(
			values,
			[2]string{"listen_ip", ip.String()},
			[2]string{"listen_net", netplace.Group(ip).String()},
		)
	}
	switch v := spec.(type) {
	case link.MTProto:
		values = append(values, [2]string{"secret", hex.EncodeToString(v.Key[:])})
	case link.WireGuard:
		sum := sha256.Sum256(v.PeerKey[:])
		values = append(values, [2]string{"server_key", hex.EncodeToString(sum[:])})
	}
	var out []Link
	for _, v := range values {
		index, err := LinkIndex(r.keys, v[0], v[1])
		if err != nil {
			return nil, err
		}
		out = append(out, Link{Kind: v[0], Index: index})
	}
	return out, nil
}
