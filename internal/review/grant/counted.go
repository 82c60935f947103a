package grant

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// CountsFor is how long a count may be told again. What this process itself changes is
// counted anew at once, so only the changes of another one can show that much later.
const CountsFor = 5 * time.Second

// mostCounted bounds what is kept: strangers cannot ask, and staff ask for few filters.
const mostCounted = 1000

// counted keeps counts, so that eight views beside each list cost nothing while nobody
// changes anything. The zero value is ready. Safe for concurrent use.
type counted struct {
	mu      sync.Mutex
	changes int
	totals  map[string]countedTotal
}

type countedTotal struct {
	Total
	at time.Time
}

// key tells filters apart. The words somebody searched for are in it as their hashes.
func (f Filter) key() (string, error) {
	f.Search = ""
	text, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode filter: %w", err)
	}
	return string(text), nil
}

// get returns the total under key, and how many changes there were; ok says whether it
// is fresh.
func (c *counted) get(key string, now time.Time) (total Total, changes int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.totals[key]
	age := now.Sub(t.at)
	return t.Total, c.changes, ok && age >= 0 && age < CountsFor
}

// put keeps what was counted, unless something has changed since there were so many
// changes: it may or may not be in the count.
func (c *counted) put(key string, total Total, now time.Time, changes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if changes != c.changes {
		return
	}
	if c.totals == nil || len(c.totals) >= mostCounted {
		c.totals = map[string]countedTotal{}
	}
	c.totals[key] = countedTotal{Total: total, at: now}
}

// changed forgets all counts.
func (c *counted) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	clear(c.totals)
}
