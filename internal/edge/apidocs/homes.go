package apidocs

import "slices"

// home is where a schema is described: at the only call that has it, among the
// objects of the only group that has it, or, with neither, among those of the page.
type home struct{ call, group string }

// homes finds one place for each schema.
func (d *document) homes(ops []*operation) map[string]home {
	calls, groups, inner := map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}
	note := func(to map[string]map[string]bool, name, by string) {
		if to[name] == nil {
			to[name] = map[string]bool{}
		}
		to[name][by] = true
	}
	for _, s := range d.Components.Schemas {
		for _, name := range d.within(s.Value) {
			inner[name] = true
		}
	}
	for _, op := range ops {
		for _, name := range d.reach(op.schemas()) {
			note(groups, name, op.group())
		}
		for _, s := range op.schemas() {
			if name := s.component(); name != "" {
				note(calls, name, op.OperationID)
			} else {
				for _, name := range d.within(s) {
					inner[name] = true
				}
			}
		}
	}
	out := map[string]home{}
	for _, s := range d.Components.Schemas {
		var h home
		if len(groups[s.Key]) == 1 {
			h.group = only(groups[s.Key])
		}
		if len(calls[s.Key]) == 1 && !inner[s.Key] && d.isObject(s.Value) {
			h.call = only(calls[s.Key])
		}
		out[s.Key] = h
	}
	return out
}

func only(set map[string]bool) string {
	for name := range set {
		return name
	}
	return ""
}

// schemas returns what a call takes and answers with, refusals too.
func (op *operation) schemas() []*schema {
	var all []*schema
	for _, p := range op.Parameters {
		if p.Schema != nil {
			all = append(all, p.Schema)
		}
	}
	bodies := ordered[*body]{}
	if op.RequestBody != nil {
		bodies = append(bodies, entry[*body]{Value: op.RequestBody})
	}
	for _, b := range append(bodies, op.Responses...) {
		for _, form := range b.Value.Content {
			if form.Value.Schema != nil {
				all = append(all, form.Value.Schema)
			}
		}
	}
	return all
}

// requests returns what calls take as a body.
func requests(ops []*operation) []*schema {
	var all []*schema
	for _, op := range ops {
		if op.RequestBody == nil {
			continue
		}
		for _, form := range op.RequestBody.Content {
			if form.Value.Schema != nil {
				all = append(all, form.Value.Schema)
			}
		}
	}
	return all
}

// within returns the components that s names in its own text.
func (d *document) within(s *schema) []string {
	if s == nil {
		return nil
	}
	if name := s.component(); name != "" {
		return []string{name}
	}
	parts := slices.Concat(s.AllOf, s.OneOf, s.AnyOf, []*schema{s.Items})
	for _, f := range s.Properties {
		parts = append(parts, f.Value)
	}
	if more, err := s.additional(); err == nil {
		parts = append(parts, more)
	}
	var names []string
	for _, p := range parts {
		names = append(names, d.within(p)...)
	}
	return names
}

// reach returns the components that a reader of these schemas comes to.
func (d *document) reach(from []*schema) []string {
	var names []string
	var visit func(s *schema)
	visit = func(s *schema) {
		for _, name := range d.within(s) {
			if slices.Contains(names, name) {
				continue
			}
			names = append(names, name)
			if next, ok := d.Components.Schemas.get(name); ok {
				visit(next)
			}
		}
	}
	for _, s := range from {
		visit(s)
	}
	return names
}
