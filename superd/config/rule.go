package config

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// maxFactors bounds the words that one {a,b,…} stands for.
const maxFactors = 256

// parseRules reads one word of only_from or no_access. A factorised word makes several rules. The note, if any, says that
// the word is read otherwise than it looks. network finds a name of /etc/networks.
//
//	192.0.2.1  2001:db8::1             one address
//	192.0.2.0  10.0.0.0  0.0.0.0  ::   xinetd's way: zeros at the end match anything
//	192.0.2.0/24  2001:db8::/32        CIDR (RFC 4632)
//	10.0.0.0/255.0.0.0                 a netmask
//	192.0.{2,3}  192.0.2.{4,5}         factorised
//	ftp.example.org  .example.org      a host, everything below a domain
//	loopback                           a name of /etc/networks
func parseRules(text string, network func(string) (netip.Prefix, bool)) (rules []Rule, note string, err error) {
	switch {
	case text == "":
		return nil, "", errors.New("the word is empty: leave it out")
	case strings.ContainsAny(text, " \t\r\n"):
		return nil, "", fmt.Errorf("write one word for each: %s", splitHint(text))
	case strings.ContainsRune(text, '{'):
		prefixes, err := factorised(text)
		for _, p := range prefixes {
			rules = append(rules, Rule{Prefix: p, Word: text})
		}
		return rules, "", err
	case strings.ContainsRune(text, ','):
		return nil, "", fmt.Errorf("remove the comma, or write one word for each: %s", splitHint(text))
	case strings.ContainsRune(text, '/'):
		p, note, err := cidr(text)
		return []Rule{{Prefix: p, Word: text}}, note, err
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		p, err := wildcard(addr)
		return []Rule{{Prefix: p, Word: text}}, "", err
	}
	if network != nil {
		if p, ok := network(text); ok {
			return []Rule{{Prefix: p, Word: text}}, "", nil
		}
	}
	name, err := hostName(text)
	return []Rule{{Name: name, Word: text}}, "", err
}

func splitHint(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) })
	for i, w := range words {
		words[i] = strconv.Quote(w)
	}
	return strings.Join(words, ", ")
}

// wildcard is an address whose zero bytes at the end match anything; of IPv6 only :: does.
func wildcard(addr netip.Addr) (netip.Prefix, error) {
	switch {
	case addr.Zone() != "":
		return netip.Prefix{}, fmt.Errorf("an address rule has no zone: write %q", addr.WithZone("").String())
	case addr.Is4In6():
		return netip.PrefixFrom(addr.Unmap(), 32), nil
	case addr.Is4():
		return netip.PrefixFrom(addr, significant(addr)), nil
	case addr.IsUnspecified():
		return netip.PrefixFrom(addr, 0), nil
	default:
		return netip.PrefixFrom(addr, 128), nil
	}
}

// significant is the number of bits before an IPv4 address's zero bytes at the end.
func significant(addr netip.Addr) int {
	b := addr.As4()
	n := 4
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return 8 * n
}

// cidr reads ADDRESS/BITS or ADDRESS/NETMASK.
func cidr(text string) (_ netip.Prefix, note string, err error) {
	before, after, _ := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(before)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, "", fmt.Errorf("%q, before the slash, is not an address", before)
	}
	n, err := maskBits(after, addr.BitLen())
	if err != nil {
		return netip.Prefix{}, "", err
	}
	if addr.Is4In6() {
		if n < 96 {
			return netip.Prefix{}, "", fmt.Errorf("a range of IPv4 addresses is written as IPv4: %s/%d", addr.Unmap(), max(0, n-64))
		}
		addr, n = addr.Unmap(), n-96
	}
	p := netip.PrefixFrom(addr, n)
	if masked := p.Masked(); masked != p {
		return masked, fmt.Sprintf("%s has bits set behind its first %d; it is read as %s.", text, n, masked), nil
	}
	return p, "", nil
}

// maskBits reads what stands behind the slash.
func maskBits(text string, width int) (int, error) {
	if mask, err := netip.ParseAddr(text); err == nil && mask.Is4() && width == 32 {
		m := mask.As4()
		ones := binary.BigEndian.Uint32(m[:])
		n := bits.LeadingZeros32(^ones)
		if ones<<n != 0 {
			return 0, fmt.Errorf("the netmask %s is not a run of ones and then zeros", mask)
		}
		return n, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || int(n) > width || text[0] == '+' {
		return 0, fmt.Errorf("%q, behind the slash, is not a number from 0 to %d", text, width)
	}
	return int(n), nil
}

// factorised reads 192.0.{2,3}: parts of an IPv4 address, the last of them several. What is not written matches anything.
func factorised(text string) ([]netip.Prefix, error) {
	head, tail, _ := strings.Cut(text, "{")
	inner, closed := strings.CutSuffix(tail, "}")
	if !closed || strings.ContainsAny(inner, "{}") {
		return nil, errors.New("the braces come last and close: 192.0.2.{4,5}")
	}
	var addr [4]byte
	n := 0
	if head != "" {
		parts := strings.Split(strings.TrimSuffix(head, "."), ".")
		if !strings.HasSuffix(head, ".") || len(parts) > 3 {
			return nil, errors.New("at most three numbers and a dot stand before the braces: 192.0.2.{4,5}")
		}
		for _, p := range parts {
			b, err := octet(p)
			if err != nil {
				return nil, err
			}
			addr[n] = b
			n++
		}
	}
	parts := strings.Split(inner, ",")
	if len(parts) > maxFactors {
		return nil, fmt.Errorf("at most %d numbers stand between braces", maxFactors)
	}
	prefixes := make([]netip.Prefix, len(parts))
	for i, p := range parts {
		b, err := octet(strings.TrimSpace(p))
		if err != nil {
			return nil, err
		}
		addr[n] = b
		prefixes[i] = netip.PrefixFrom(netip.AddrFrom4(addr), 8*(n+1))
	}
	return prefixes, nil
}

func octet(s string) (byte, error) {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || s[0] == '+' {
		return 0, fmt.Errorf("%q is not a number from 0 to 255", s)
	}
	return byte(n), nil
}

// hostName reads a host's name or .domain. What was probably meant as an address is refused: a rule that can never match opens or
// shuts a service in silence.
func hostName(text string) (string, error) {
	name := strings.TrimSuffix(strings.ToLower(text), ".")
	switch {
	case strings.EqualFold(text, "ALL"):
		return "", errors.New(`for everybody write "0.0.0.0/0", "::/0"`)
	case strings.HasPrefix(text, "*."):
		return "", fmt.Errorf("for everything below a domain write %q", text[1:])
	case strings.Trim(text, "0123456789.") == "":
		return "", fmt.Errorf("this is not a whole address%s", partialHint(name))
	case strings.ContainsRune(text, ':'):
		return "", errors.New("this is not an IPv6 address; a port cannot be given here")
	case len(name) > 253:
		return "", errors.New("a host name has at most 253 characters")
	}
	labels := strings.Split(strings.TrimPrefix(name, "."), ".")
	for _, label := range labels {
		if err := hostLabel(label); err != nil {
			return "", err
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "", errors.New("this is neither an address nor a host name")
	}
	return name, nil
}

func hostLabel(label string) error {
	if label == "" || len(label) > 63 {
		return errors.New("between the dots of a host name stand 1 to 63 characters")
	}
	for _, r := range label {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return fmt.Errorf("%q is no part of an address, a range or a host name", r)
		}
	}
	return nil
}

// partialHint completes 10.1 to what other programs mean by it.
func partialHint(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, "."), ".")
	if n := len(parts); n < 4 {
		full := strings.Join(append(parts, "0", "0", "0")[:4], ".")
		if _, err := netip.ParseAddr(full); err == nil {
			return fmt.Sprintf("; for all that begins so write \"%s/%d\"", full, 8*n)
		}
	}
	return "; it has four numbers from 0 to 255"
}
