package fee

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
)

// deepest is for how many blocks btcd has estimates. The one for 25 says little
// about later ones: in the backtest a third of what pays it is not mined in 36.
const deepest = 25

// guess is what btcd's estimatefee said, and since when.
type guess struct {
	rates  []int64 // nil: it had none
	moved  bool    // it has changed since watching began
	height int32   // of the last change
	at     time.Time
}

// see takes note of an answer.
func (g *guess) see(rates []int64, height int32, now time.Time) {
	if !g.at.IsZero() && slices.Equal(rates, g.rates) {
		return
	}
	g.moved = !g.at.IsZero()
	g.rates, g.height, g.at = rates, height, now
}

// vote is the distrusted one: btcd answers 0 for nothing observed, and after a
// gap or a deep reorganisation its estimator stands still for good.
func (g *guess) vote(now time.Time, height int32, err error) Vote {
	v := Vote{Name: VoteEstimateFee, RatesSatKVB: g.rates, AgeSec: age(now, g.at)}
	switch {
	case err != nil:
		v.RatesSatKVB, v.Why = nil, person(err)
	case g.rates == nil:
		v.Why = "btcd has no estimate."
	case !g.moved:
		v.Why = "btcd's estimate has not moved since it is watched; it may stand still."
	case height-g.height >= frozenBlocks:
		v.Why = fmt.Sprintf("btcd's estimate has not moved for %d blocks; it may stand still.", height-g.height)
	default:
		v.Used = true
	}
	return v
}

// ask takes btcd's estimates for the targets that it has any for. No answer to
// one of them is nil.
func (e *Estimator) ask(ctx context.Context) ([]int64, error) {
	var rates []int64
	for _, target := range e.targets {
		if target > deepest {
			break
		}
		rate, ok, err := e.cfg.Node.EstimateFee(ctx, target)
		if err != nil {
			return nil, err
		}
		if !ok || rate <= 0 {
			return nil, nil
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

// mempoolVote is the depth of the last snapshot.
func (e *Estimator) mempoolVote(now time.Time, floor int64, err error) Vote {
	v := Vote{Name: VoteMempool}
	if e.taken.IsZero() || now.Sub(e.taken) > staleAfter {
		v.Why = "The mempool could not be listed."
		if err != nil {
			v.Why = person(err)
		}
		return v
	}
	v.AgeSec = age(now, e.taken)
	v.RatesSatKVB = depth(now, e.pool, e.inflow, e.blocks.pace(now), e.blocks.usual(floor), floor, e.targets)
	watched := now.Sub(e.inflow.since)
	unseen, of := e.blocks.unseenPermille(true)
	if of == 0 && !e.lost {
		unseen, of = e.blocks.unseenPermille(false)
	}
	passed := e.blocks.passedPermille()
	switch {
	case watched < watchFor && !e.cfg.Private:
		v.Why = fmt.Sprintf(
			"The mempool is watched for %d of the %d minutes that tell what flows in.",
			int(watched.Minutes()),
			int(watchFor.Minutes()),
		)
	case of == 0:
		v.Why = "No block has shown yet whether our mempool is the network's."
	case 1000-unseen < seenPermille:
		v.Why = fmt.Sprintf(
			"Of the last blocks' room %s %% went to transactions that were not in our mempool, so it is not the network's.",
			money.FormatPermille(unseen),
		)
	case passed > 1000-seenPermille:
		v.Why = fmt.Sprintf(
			"Miners left transactions of our mempool for others that pay less, %s %% of the last blocks' room, so it is not the network's.",
			money.FormatPermille(passed),
		)
	default:
		v.Used = true
	}
	return v
}

// blocksVote is what the last blocks asked for.
func (e *Estimator) blocksVote(now time.Time, err error) Vote {
	v := Vote{Name: VoteBlocks}
	v.RatesSatKVB, v.Why = e.blocks.vote(e.targets)
	if n := len(e.blocks.blocks); n > 0 {
		v.AgeSec = age(now, e.blocks.blocks[n-1].at)
	}
	if err != nil {
		v.Why = person(err)
	}
	v.Used = v.Why == ""
	return v
}

// floor is the least that peers relay: what the node itself relays from on, or more
// where enough of its peers say that they want to hear of no less. Neither is 0, as
// rates are divided by it.
func floor(s Status) int64 {
	least := max(1, s.RelayFeeSatKVB)
	named := slices.DeleteFunc(slices.Clone(s.PeerFiltersSatKVB), func(rate int64) bool { return rate <= 0 })
	if len(named) >= filterPeers {
		least = max(least, median(named))
	}
	return least
}

// median is the middle one, or the mean of the two in the middle.
func median(rates []int64) int64 {
	slices.Sort(rates)
	mid := len(rates) / 2
	if len(rates)%2 == 1 {
		return rates[mid]
	}
	return rates[mid-1] + (rates[mid]-rates[mid-1])/2
}

// decide puts the votes together.
func (e *Estimator) decide(now time.Time, status Status, votes []Vote) Estimate {
	est := Estimate{
		At:          now,
		Height:      status.Height,
		FloorSatKVB: floor(status),
		RelaySatKVB: max(1, status.RelayFeeSatKVB),
		Votes:       votes,
	}
	var used []Vote
	for i, v := range votes {
		votes[i].RatesSatKVB = raised(v.RatesSatKVB, est.FloorSatKVB)
		if v.Used {
			used = append(used, votes[i])
		}
	}
	rate := est.FloorSatKVB
	for i, target := range e.targets {
		switch together, votes := combine(used, i, hourOf(e.targets)); {
		case i == 0 && votes > 0:
			rate = together
		case votes >= minVotes:
			// What is mined sooner is also mined in time.
			rate = min(rate, together)
		default:
			// One vote alone does not make a longer target cheaper.
		}
		est.Targets = append(est.Targets, Target{Blocks: target, RateSatKVB: rate})
	}

	var why []string
	if status.Behind > 1 {
		why = append(why, fmt.Sprintf("The node is %d blocks behind its peers.", status.Behind))
	}
	if old := now.Sub(status.TipTime); e.cfg.MaxTipAge > 0 && old > e.cfg.MaxTipAge {
		why = append(why, fmt.Sprintf("The node's newest block is %d minutes old.", int(old.Minutes())))
	}
	if status.Peers < e.cfg.MinPeers && !e.cfg.Private {
		why = append(why, fmt.Sprintf("The node has %d of the %d peers it needs.", status.Peers, e.cfg.MinPeers))
	}
	if len(used) < minVotes {
		why = append(why, fmt.Sprintf("Only %d of the %d sources can be used.", len(used), len(votes)))
	} else if !e.agree(used) {
		why = append(why, "The sources that can be used are far apart.")
	}
	est.Trusted = len(why) == 0
	if !est.Trusted {
		est.Why = strings.Join(append(why, "Say what to pay."), " ")
	}
	return est
}

// combine is what the votes that are used come to for one target, and how many have
// an answer for it. The mempool's vote counts while it can be used, since it alone
// knows what a transaction competes with, but not beyond twice the highest of the
// others: more is what somebody shows our node, or a rush that may pass. What the
// others say for an hour bounds longer targets too: that blocks were cheap six hours
// ago says nothing about what waits now. Without the mempool the others' mean counts.
func combine(used []Vote, target, hour int) (rate int64, votes int) {
	var lead, most int64
	var others []int64
	for _, v := range used {
		if bound := min(target, hour); v.Name != VoteMempool && bound < len(v.RatesSatKVB) {
			most = max(most, v.RatesSatKVB[bound])
		}
		switch {
		case target >= len(v.RatesSatKVB):
			continue
		case v.Name == VoteMempool:
			lead = v.RatesSatKVB[target]
		default:
			others = append(others, v.RatesSatKVB[target])
		}
		votes++
	}
	switch {
	case votes == 0:
		return 0, 0
	case len(others) == 0:
		return lead, votes
	case lead == 0:
		return median(others), votes
	}
	return min(lead, mostOver*most), votes
}

// agree reports whether two of the votes are less than five times apart, for the
// first target of an hour or more: the last blocks have nothing to say about less.
// Else another would be needed to tell which is wrong.
func (e *Estimator) agree(used []Vote) bool {
	for i, v := range used {
		for _, w := range used[:i] {
			if !apart(v.soon(e.targets), w.soon(e.targets)) {
				return true
			}
		}
	}
	return false
}

// raised copies rates, none below the floor.
func raised(rates []int64, floor int64) []int64 {
	rates = slices.Clone(rates)
	for i := range rates {
		rates[i] = max(rates[i], floor)
	}
	return rates
}

// soon is what a vote says for the first target of an hour or more.
func (v Vote) soon(targets []int) int64 {
	return v.RatesSatKVB[min(hourOf(targets), len(v.RatesSatKVB)-1)]
}

// hourOf is where the first target of an hour or more stands; 0 without one.
func hourOf(targets []int) int {
	return max(slices.IndexFunc(targets, func(t int) bool { return t >= gateBlocks }), 0)
}

// apart reports whether two rates, which are not 0, differ by five times or more.
func apart(a, b int64) bool { return max(a, b)/min(a, b) >= 5 }

// age is how long ago something was in seconds; 0 for never.
func age(now, at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return int64(now.Sub(at).Seconds())
}

// person turns an error into what a person may read.
func person(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "The node did not answer."
}
