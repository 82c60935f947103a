package audit

import (
	"cmp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Verify is VerifyBundle for a bundle that is already decoded.
func (b Bundle) Verify(vkey string, known ...string) (Report, error) {
	points, bad, err := b.open(vkey, known)
	if err != nil {
		return Report{BadCheckpoints: bad}, err
	}
	newest := points[len(points)-1]
	report := Report{
		Origin:         newest.Origin,
		Size:           newest.Size,
		Root:           newest.Root.String(),
		Checkpoints:    len(points),
		BadCheckpoints: bad,
		Rows:           int64(len(b.Leaves)),
		Uncovered:      max(0, b.From+int64(len(b.Leaves))-newest.Size),
	}
	fail := func(f Finding) (Report, error) {
		report.Finding = &f
		return report, broken(f, nil)
	}

	for i := 1; i < len(points); i++ {
		if points[i].Size == points[i-1].Size && points[i].Root != points[i-1].Root {
			return fail(Finding{First: 0, Last: points[i].Size - 1, What: Forked})
		}
	}
	if f := b.misnumbered(); f != nil {
		return fail(*f)
	}
	check := b.whole
	if b.From > 0 {
		check = b.stretch
	} else if missing := int64(len(b.Leaves)); missing < newest.Size {
		// Rows before the cut may be altered as well; the first bad row is told.
		if f := b.whole(points); f != nil && f.Last < missing {
			return fail(*f)
		}
		return fail(Finding{First: missing, Last: missing, What: Truncated})
	}
	if f := check(points); f != nil {
		return fail(*f)
	}
	for _, p := range b.Inclusion {
		if err := p.Verify(vkey); err != nil {
			report.Finding = &Finding{First: p.Seq, Last: p.Seq, What: Altered}
			return report, err
		}
		report.Proofs++
	}
	return report, nil
}

// open opens the checkpoints and sorts them by size; at least one is needed. What
// the server stored and the key did not sign is named and passed over: whoever may
// write to the server's tables can add such a row, and must not be able to stop
// everybody from verifying by it. A checkpoint that the caller kept has to hold.
func (b Bundle) open(vkey string, known []string) (points []Checkpoint, bad []BadCheckpoint, err error) {
	for i, text := range b.Checkpoints {
		c, err := OpenCheckpoint(text, vkey)
		if err != nil {
			bad = append(bad, badCheckpoint(i+1, text))
			continue
		}
		points = append(points, c)
	}
	for _, text := range known {
		c, err := OpenCheckpoint(text, vkey)
		if err != nil {
			return nil, bad, err
		}
		points = append(points, c)
	}
	switch {
	case len(points) == 0 && len(bad) > 0:
		return nil, bad, errs.New(
			errs.Invalid,
			CodeCheckpointRefused,
			"Every checkpoint is damaged or not signed by the given key, so there is none to verify against.",
		)
	case len(points) == 0:
		return nil, nil, errs.New(errs.Invalid, CodeCheckpointRefused, "There is no checkpoint to verify against.")
	}
	slices.SortFunc(points, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return points, bad, nil
}

// misnumbered finds the first leaf that does not say the number of its place.
func (b Bundle) misnumbered() *Finding {
	at := make(map[int64]bool, len(b.Leaves)) // numbers that stand somewhere
	seqs := make([]int64, len(b.Leaves))
	for i, text := range b.Leaves {
		leaf, err := ParseLeaf([]byte(text))
		if err != nil {
			seqs[i] = -1
			continue
		}
		seqs[i] = leaf.Seq
		at[leaf.Seq] = true
	}
	for i, seq := range seqs {
		want := b.From + int64(i)
		switch {
		case seq == want:
			continue
		case seq < 0:
			return &Finding{First: want, Last: want, What: Altered}
		case at[want]:
			return &Finding{First: want, Last: want, What: Swapped}
		case i+1 < len(seqs) && seqs[i+1] == want+1:
			return &Finding{First: want, Last: want, What: Altered} // only its number is off
		}
		return &Finding{First: want, Last: want, What: Dropped}
	}
	return nil
}

// whole compares leaves from row 0 on with each checkpoint that they reach.
func (b Bundle) whole(points []Checkpoint) *Finding {
	tree := make(HashList, 0, 2*len(b.Leaves))
	for seq, text := range b.Leaves {
		hashes, err := tlog.StoredHashes(int64(seq), []byte(text), tree)
		if err != nil {
			return &Finding{First: int64(seq), Last: int64(seq), What: Altered}
		}
		tree = append(tree, hashes...)
	}
	good := int64(0) // rows that a checkpoint has vouched for
	for _, c := range points {
		if c.Size > int64(len(b.Leaves)) {
			return b.locate(tree, good, c)
		}
		root, err := tlog.TreeHash(c.Size, tree)
		if err != nil || root != c.Root {
			f := b.locate(tree, good, c)
			if f == nil { // cannot be: equal leaves give equal roots
				f = &Finding{First: good, Last: c.Size - 1, What: Altered}
			}
			return f
		}
		good = c.Size
	}
	return nil
}

// locate finds the first leaf whose hash is not the one under c's root, by way
// of the bundle's stored hashes. Where these do not lead to the root themselves,
// all that is known is that the row lies between two checkpoints.
func (b Bundle) locate(tree HashList, good int64, c Checkpoint) *Finding {
	reach := min(c.Size, int64(len(b.Leaves)))
	between := &Finding{First: good, Last: c.Size - 1, What: Altered}
	stored := HashList(b.Hashes)
	root, err := tlog.TreeHash(c.Size, stored)
	if err != nil || root != c.Root {
		if reach < c.Size {
			return nil // cut off, and no hashes to look further back with
		}
		return between
	}
	// The root vouches for the perfect subtrees that it is made of.
	for first := int64(0); first < c.Size; {
		level := 0
		for width := int64(2); first%width == 0 && first+width <= c.Size; width *= 2 {
			level++
		}
		n := first >> level
		if f := descend(level, n, reach, tree, stored); f != nil {
			return f
		}
		first += int64(1) << level
	}
	return nil
}

// descend walks down a subtree whose stored hash is vouched for and returns the
// first leaf below row reach that differs from it.
func descend(level int, n, reach int64, tree, stored HashList) *Finding {
	first := n << level
	if first >= reach {
		return nil
	}
	want := stored[tlog.StoredHashIndex(level, n)]
	if at := tlog.StoredHashIndex(level, n); first+int64(1)<<level <= reach && tree[at] == want {
		return nil
	}
	if level == 0 {
		return &Finding{First: n, Last: n, What: Altered}
	}
	left, right := stored[tlog.StoredHashIndex(level-1, 2*n)], stored[tlog.StoredHashIndex(level-1, 2*n+1)]
	if tlog.NodeHash(left, right) != want {
		return &Finding{First: first, Last: first + int64(1)<<level - 1, What: Altered}
	}
	if f := descend(level-1, 2*n, reach, tree, stored); f != nil {
		return f
	}
	return descend(level-1, 2*n+1, reach, tree, stored)
}

// stretch checks leaves that do not begin at row 0, each by its path to the
// newest root through the bundle's stored hashes.
func (b Bundle) stretch(points []Checkpoint) *Finding {
	newest := points[len(points)-1]
	stored := HashList(b.Hashes)
	for i, text := range b.Leaves {
		seq := b.From + int64(i)
		if seq >= newest.Size {
			return nil
		}
		path, err := tlog.ProveRecord(newest.Size, seq, stored)
		if err == nil {
			err = tlog.CheckRecord(path, newest.Size, newest.Root, seq, tlog.RecordHash([]byte(text)))
		}
		if err != nil {
			return &Finding{First: seq, Last: seq, What: Altered}
		}
	}
	return nil
}
