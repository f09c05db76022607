package order

import "encoding/json"

// savedSet is a Set without its orders, which are named by id.
type savedSet struct{ Read, Notices []savedReading }

type savedReading struct {
	File   File
	Lists  []savedList `json:",omitempty"`
	Names  int         `json:",omitempty"`
	Orders []string    `json:",omitempty"` // ids
	About  []string    `json:",omitempty"`
}

type savedList struct{ Folder, Path, SHA256 string }

// Save is what RestoreSet makes the set of again, beside the orders.
func (s *Set) Save() ([]byte, error) {
	return json.Marshal(savedSet{savedReadings(s.read), savedReadings(s.notices)})
}

func savedReadings(readings map[string]*reading) (all []savedReading) {
	for _, r := range readings {
		saved := savedReading{File: r.file, Names: r.names, About: r.ids}
		for _, l := range r.lists {
			saved.Lists = append(saved.Lists, savedList{l.folder, l.path, l.sha256})
		}
		for _, o := range r.orders {
			saved.Orders = append(saved.Orders, o.ID)
		}
		all = append(all, saved)
	}
	return all
}

// RestoreSet is the set that Save wrote, with these orders, for Reload to begin
// with. A file of which an order is missing is left out, and so read again.
func RestoreSet(data []byte, orders []*Order) (*Set, error) {
	var saved savedSet
	if err := json.Unmarshal(data, &saved); err != nil {
		return nil, err
	}
	byID := make(map[string]*Order, len(orders))
	for _, o := range orders {
		byID[o.ID] = o
	}
	s := &Set{read: map[string]*reading{}, notices: map[string]*reading{}}
	for _, from := range saved.Read {
		if r, whole := from.restore(byID); whole {
			s.read[r.file.Path] = r
		}
	}
	for _, from := range saved.Notices {
		r, _ := from.restore(byID)
		s.notices[r.file.Path] = r
	}
	return s, nil
}

func (s savedReading) restore(orders map[string]*Order) (r *reading, whole bool) {
	r = &reading{file: s.File, names: s.Names, ids: s.About}
	for _, l := range s.Lists {
		r.lists = append(r.lists, listFile{l.Folder, l.Path, l.SHA256})
	}
	for _, id := range s.Orders {
		o := orders[id]
		if o == nil {
			return nil, false
		}
		r.orders = append(r.orders, o)
	}
	return r, true
}
