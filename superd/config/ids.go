package config

import "strings"

// choose applies enabled and disabled of defaults. Ids are compared without regard to case.
func (l *loader) choose(defaults *spec, specs []*spec) {
	if len(defaults.enabled) == 0 && len(defaults.disabled) == 0 && !defaults.has("enabled") {
		return
	}
	ids := make(map[string]struct{}, len(specs))
	broken := false
	for _, s := range specs {
		ids[strings.ToLower(s.ID)] = struct{}{}
		broken = broken || s.src.torn
	}
	listed := func(words []word) map[string]struct{} {
		m := make(map[string]struct{}, len(words))
		for _, w := range words {
			m[strings.ToLower(w.text)] = struct{}{}
			if _, ok := ids[strings.ToLower(w.text)]; !ok && !broken {
				l.diags.warnf(w.at, "Unknown id", "No service has the id %q.%s", w.text, didYouMean(w.text, someIDs(specs)))
			}
		}
		return m
	}
	on, off := listed(defaults.enabled), listed(defaults.disabled)
	for _, s := range specs {
		id := strings.ToLower(s.ID)
		if _, ok := on[id]; !ok && defaults.has("enabled") && defaults.ok("enabled") {
			s.disable = true
		}
		if _, ok := off[id]; ok {
			s.disable = true
		}
	}
}

// someIDs are the ids to suggest from; comparing with a hundred thousand for each word would take minutes.
func someIDs(specs []*spec) []string {
	var ids []string
	for _, s := range specs[:min(len(specs), 1000)] {
		ids = append(ids, s.ID)
	}
	return ids
}

// identities reports two services with one id: an error if both are on.
func (l *loader) identities(specs []*spec) {
	first := make(map[string]*spec, len(specs))
	for _, s := range specs {
		key := strings.ToLower(s.ID)
		other, taken := first[key]
		switch {
		case !taken:
			first[key] = s
			continue
		case s.disable || other.disable:
			l.diags.warnf(s.at("id"), "Second service with this id", "%q is also the service at %s. One of the two is off; to switch both on, give one of them another id.", s.ID, other.At)
		default:
			l.diags.errorf(s.at("id"), "Second service with this id", "%q is also the service at %s. Give one of them another id, for example id = %q.", s.ID, other.At, s.ID+"-"+suffix(s))
		}
		if other.disable {
			first[key] = s
		}
	}
}

func suffix(s *spec) string {
	if s.socketType != "" {
		return s.socketType
	}
	return "2"
}
