package chain

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// maxTipAge is how old mainnet's newest block may be before the node counts
	// as behind; three hours without a block happen about once in 1200 years.
	maxTipAge = 3 * time.Hour
)

// Info is what a node says of itself.
type Info struct {
	Network        string
	Genesis        chainhash.Hash
	Height         int32
	Hash           chainhash.Hash
	TipTime        time.Time // of the newest block's header
	Peers          int
	PeerHeight     int32 // the greatest height that a peer claims; 0 without peers
	Behind         int32 // blocks that a peer has and the node does not; 0 when none is known of
	RelayFeeSatKVB int64 // --minrelaytxfee in sat per 1000 virtual bytes; of a replacement too, on top
	Pruned         bool  // old blocks are gone: a rescan may be impossible
}

// Info asks the node about itself. The error says that the node is down, turns
// us away, or is on another network; a node that is behind is no error here.
func (c *Client) Info(ctx context.Context) (Info, error) {
	height, hash, err := c.Tip(ctx)
	if err != nil {
		return Info{}, err
	}
	header, _, err := c.Header(ctx, hash)
	if err != nil {
		return Info{}, err
	}
	info := Info{
		Network: c.net.Name, Genesis: *c.net.GenesisHash,
		Height: height, Hash: hash, TipTime: header.Timestamp.UTC(),
	}
	var general struct {
		RelayFee float64 `json:"relayfee"` // BTC per 1000 virtual bytes
	}
	if err := c.call(ctx, &general, "getinfo"); err != nil {
		return Info{}, err
	}
	if info.RelayFeeSatKVB, err = satFromBTC(general.RelayFee); err != nil {
		return Info{}, err
	}
	var state struct {
		Pruned bool `json:"pruned"`
	}
	if err := c.call(ctx, &state, "getblockchaininfo"); err != nil {
		return Info{}, err
	}
	info.Pruned = state.Pruned
	peers, err := c.peers(ctx)
	if err != nil {
		return Info{}, err
	}
	info.Peers = len(peers)
	for _, p := range peers {
		info.PeerHeight = max(info.PeerHeight, p.StartingHeight, p.CurrentHeight)
	}
	info.Behind = max(0, info.PeerHeight-info.Height)
	return info, nil
}

// Check is Info and then the rules for a node that may be worked with: every
// call we need is permitted, it is not behind, and it relays as the network
// does. Two flags that matter, --rejectnonstd and --limitfreerelay=0, cannot be
// asked for; the runbook names them.
func (c *Client) Check(ctx context.Context) (Info, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return info, err
	}
	// Info has made calls that btcd's limited user lacks. This one came with btcd
	// 0.24, and asking about nothing costs nothing.
	if err := c.call(ctx, nil, "gettxspendingprevout", []any{}); err != nil {
		return info, err
	}
	// Every fee floor is the node's. One that relays for nothing has none, and would
	// take what no other node relays.
	if info.RelayFeeSatKVB <= 0 {
		return info, errs.Newf(
			errs.Unavailable,
			CodeNodeRelayFee,
			"btcd at %s relays transactions that pay nothing: start it with --minrelaytxfee above 0, or without it.",
			c.rpc.Host(),
		)
	}
	// A peer may announce a block a moment before we have it.
	if info.Behind > 1 {
		return info, errs.Newf(
			errs.Unavailable,
			errs.CodeNodeBehind,
			"btcd at %s is at block %d and its peers are at %d: wait until it has caught up.",
			c.rpc.Host(),
			info.Height,
			info.PeerHeight,
		)
	}
	// Test networks stand still for days; mainnet does not.
	if age := c.clock.Now().Sub(info.TipTime); c.net.Name == "mainnet" && age > maxTipAge {
		return info, errs.Newf(
			errs.Unavailable,
			errs.CodeNodeBehind,
			"btcd at %s has its newest block from %s: it is cut off or still catching up.",
			c.rpc.Host(),
			info.TipTime.Format(time.RFC3339),
		)
	}
	return info, nil
}

type peer struct {
	Inbound        bool  `json:"inbound"`
	StartingHeight int32 `json:"startingheight"`
	CurrentHeight  int32 `json:"currentheight"`
	FeeFilter      int64 `json:"feefilter"` // sat per 1000 virtual bytes
}

func (c *Client) peers(ctx context.Context) ([]peer, error) {
	var peers []peer
	err := c.call(ctx, &peers, "getpeerinfo")
	return peers, err
}
