package identity_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// memStore keeps everything in maps under one lock, which makes each method a
// serial transaction.
type memStore struct {
	mu          sync.Mutex
	staff       map[uuid.UUID]identity.Staff
	links       map[identity.Hash]identity.Link
	ceremonies  map[identity.Hash]identity.Ceremony
	credentials map[string]identity.Credential
	sessions    map[identity.Hash]identity.Session
	tokens      map[identity.Hash]identity.Token
	changes     []identity.Change
	touches     int
}

var _ identity.Store = (*memStore)(nil)

func newMemStore() *memStore {
	return &memStore{
		staff:       map[uuid.UUID]identity.Staff{},
		links:       map[identity.Hash]identity.Link{},
		ceremonies:  map[identity.Hash]identity.Ceremony{},
		credentials: map[string]identity.Credential{},
		sessions:    map[identity.Hash]identity.Session{},
		tokens:      map[identity.Hash]identity.Token{},
	}
}

func (m *memStore) CreateStaff(_ context.Context, c identity.Change, s identity.Staff, invite identity.Link) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.staff {
		if other.Name == s.Name && other.DisabledAt == nil {
			return identity.StoreError("staff_name_taken")
		}
	}
	m.staff[s.ID], m.links[invite.Hash] = s, invite
	m.changes = append(m.changes, c)
	return nil
}

func (m *memStore) UpdateStaff(_ context.Context, c identity.Change, id uuid.UUID, fn func(*identity.Staff) error) (identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.staff[id]
	if !ok {
		return identity.Staff{}, identity.StoreError("staff_not_found")
	}
	if err := fn(&s); err != nil {
		return identity.Staff{}, err
	}
	m.staff[id] = s
	m.changes = append(m.changes, c)
	return s, nil
}

func (m *memStore) Staff(_ context.Context, id uuid.UUID) (identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.staff[id]
	if !ok {
		return identity.Staff{}, identity.StoreError("staff_not_found")
	}
	return s, nil
}

func (m *memStore) ListStaff(context.Context) ([]identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []identity.Staff
	for _, s := range m.staff {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b identity.Staff) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return all, nil
}

func (m *memStore) AddLink(_ context.Context, c identity.Change, l identity.Link) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.links[l.Hash] = l
	m.changes = append(m.changes, c)
	return nil
}

func (m *memStore) LinkByHash(_ context.Context, h identity.Hash) (identity.Link, identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links[h]
	if !ok {
		return identity.Link{}, identity.Staff{}, identity.StoreError("link_unknown")
	}
	return l, m.staff[l.StaffID], nil
}

func (m *memStore) PutCeremony(_ context.Context, c identity.Ceremony) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ceremonies[c.Hash] = c
	return nil
}

func (m *memStore) TakeCeremony(_ context.Context, h identity.Hash) (identity.Ceremony, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.ceremonies[h]
	if !ok {
		return identity.Ceremony{}, identity.StoreError("ceremony_unknown")
	}
	delete(m.ceremonies, h)
	return c, nil
}

func (m *memStore) Credentials(_ context.Context, staffID uuid.UUID) ([]identity.Credential, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []identity.Credential
	for _, c := range m.credentials {
		if c.StaffID == staffID {
			all = append(all, c)
		}
	}
	return all, nil
}

func (m *memStore) CredentialByID(_ context.Context, id []byte) (identity.Credential, identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.credentials[string(id)]
	if !ok {
		return identity.Credential{}, identity.Staff{}, identity.StoreError("credential_unknown")
	}
	return c, m.staff[c.StaffID], nil
}

func (m *memStore) OpenSession(_ context.Context, c identity.Change, o identity.Opening) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.staff[o.Session.StaffID].DisabledAt != nil {
		return identity.StoreError("staff_disabled")
	}
	if o.LinkHash != nil {
		l := m.links[*o.LinkHash]
		if l.UsedAt != nil || !o.Session.CreatedAt.Before(l.ExpiresAt) {
			return identity.StoreError("link_used")
		}
		l.UsedAt = &o.Session.CreatedAt
		m.links[l.Hash] = l
	}
	if n := o.NewCredential; n != nil {
		if _, known := m.credentials[string(n.ID)]; known {
			return identity.StoreError("credential_known")
		}
		m.credentials[string(n.ID)] = *n
	}
	if u := o.UsedCredential; u != nil {
		m.credentials[string(u.ID)] = *u
	}
	if o.Replaces != nil {
		if old, ok := m.sessions[*o.Replaces]; ok && old.StaffID == o.Session.StaffID {
			old.RevokedAt = &o.Session.CreatedAt
			m.sessions[old.Hash] = old
		}
	}
	m.sessions[o.Session.Hash] = o.Session
	m.changes = append(m.changes, c)
	return nil
}

func (m *memStore) SessionByHash(_ context.Context, h identity.Hash) (identity.Session, identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[h]
	if !ok {
		return identity.Session{}, identity.Staff{}, identity.StoreError("session_unknown")
	}
	return s, m.staff[s.StaffID], nil
}

func (m *memStore) TouchSession(_ context.Context, id uuid.UUID, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touches++
	for h, s := range m.sessions {
		if s.ID == id && at.After(s.LastSeenAt) {
			s.LastSeenAt = at
			m.sessions[h] = s
		}
	}
	return nil
}

func (m *memStore) ListSessions(_ context.Context, staffID uuid.UUID, now time.Time) ([]identity.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []identity.Session
	for _, s := range m.sessions {
		if s.StaffID == staffID && s.RevokedAt == nil && now.Before(s.ExpiresAt) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b identity.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}

func (m *memStore) RevokeSession(_ context.Context, c identity.Change, staffID, id uuid.UUID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, s := range m.sessions {
		if s.ID == id && s.StaffID == staffID {
			s.RevokedAt = &c.At
			m.sessions[h] = s
			m.changes = append(m.changes, c)
			return nil
		}
	}
	return identity.StoreError("session_unknown")
}

func (m *memStore) AddToken(_ context.Context, c identity.Change, t identity.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[t.Hash] = t
	m.changes = append(m.changes, c)
	return nil
}

func (m *memStore) TokenByHash(_ context.Context, h identity.Hash) (identity.Token, identity.Staff, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[h]
	if !ok {
		return identity.Token{}, identity.Staff{}, identity.StoreError("token_unknown")
	}
	return t, m.staff[t.StaffID], nil
}

func (m *memStore) TouchToken(_ context.Context, id uuid.UUID, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, t := range m.tokens {
		if t.ID == id {
			t.LastUsedAt = &at
			m.tokens[h] = t
		}
	}
	return nil
}

func (m *memStore) ListTokens(_ context.Context, staffID uuid.UUID) ([]identity.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []identity.Token
	for _, t := range m.tokens {
		if t.StaffID == staffID {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b identity.Token) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}

func (m *memStore) RevokeToken(_ context.Context, c identity.Change, staffID, id uuid.UUID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, t := range m.tokens {
		if t.ID == id && t.StaffID == staffID {
			t.RevokedAt = &c.At
			m.tokens[h] = t
			m.changes = append(m.changes, c)
			return nil
		}
	}
	return identity.StoreError("token_unknown")
}
