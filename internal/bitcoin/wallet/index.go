package wallet

import "github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

// Index finds where a script stands in a descriptor, up to a gap limit of
// scripts beyond the highest one used on each chain. Find may run
// concurrently with itself, and not with Use.
type Index struct {
	d        *Descriptor
	gapLimit uint32
	places   map[string]place
	derived  [2]uint32 // scripts derived so far, a chain
}

type place struct{ chain, index uint32 }

// NewIndex returns an Index that knows the first gapLimit scripts of each
// chain.
func NewIndex(d *Descriptor, gapLimit uint32) *Index {
	x := &Index{d: d, gapLimit: gapLimit, places: make(map[string]place)}
	x.extend(ChainDeposit, gapLimit)
	x.extend(ChainChange, gapLimit)
	return x
}

// Find returns the place of script, if it is within the window.
func (x *Index) Find(script []byte) (chain, index uint32, ok bool) {
	p, ok := x.places[string(script)]
	return p.chain, p.index, ok
}

// Use notes that the script at chain and index has been handed out or seen, and
// moves the window to gapLimit scripts beyond it. A smaller index than one used
// before changes nothing.
func (x *Index) Use(chain, index uint32) {
	if chain > ChainChange || index >= hdkeychain.HardenedKeyStart {
		return
	}
	x.extend(chain, index+1+x.gapLimit)
}

func (x *Index) extend(chain, until uint32) {
	for i := x.derived[chain]; i < min(until, hdkeychain.HardenedKeyStart); i++ {
		x.derived[chain] = i + 1
		script, err := x.d.Script(chain, i)
		if err != nil {
			continue // BIP 32: such an index has no key, and the next one is used
		}
		x.places[string(script)] = place{chain, i}
	}
}
