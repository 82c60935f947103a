package chainaudit

import "fmt"

// maxIndex is the last that is not hardened (BIP32).
const maxIndex = 1<<31 - 1

// place is where a descriptor derives a script.
type place struct{ chain, index uint32 }

// window is the scripts of a treasury that the reader knows: on each chain up to
// gap indexes beyond the last one that was seen.
type window struct {
	treasury *treasury
	gap      uint32
	places   map[string]place
	next     [chainCount]uint32 // the first index that is not derived
}

func newWindow(t *treasury, gap uint32) (*window, error) {
	w := &window{treasury: t, gap: gap, places: map[string]place{}}
	for c := range chainCount {
		if err := w.extend(c, gap); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// extend derives every script below end.
func (w *window) extend(chain, end uint32) error {
	for ; w.next[chain] < end; w.next[chain]++ {
		script, err := w.treasury.script(chain, w.next[chain])
		if err != nil {
			return fmt.Errorf("watch scripts: %w", err)
		}
		w.places[string(script)] = place{chain, w.next[chain]}
	}
	return nil
}

// watch derives the one script at p, which may be far beyond the others.
func (w *window) watch(p place) error {
	if p.index < w.next[p.chain] || p.index > maxIndex {
		return nil
	}
	script, err := w.treasury.script(p.chain, p.index)
	if err != nil {
		return fmt.Errorf("watch scripts: %w", err)
	}
	w.places[string(script)] = p
	return nil
}

// find reports where script is derived.
func (w *window) find(script []byte) (place, bool) {
	p, ok := w.places[string(script)]
	return p, ok
}

// seen makes the window reach gap beyond p, and reports whether it grew.
func (w *window) seen(p place) (grew bool, err error) {
	end := p.index + 1 + w.gap
	if end <= w.next[p.chain] {
		return false, nil
	}
	return true, w.extend(p.chain, end)
}
