package list

import (
	"bytes"
	"regexp"

	"bailiff/policy/problem"
)

// admHeader is the first line of the customs agency's lists, and of AGCOM's: the
// number of the order and its date, 0000350_2025.29.08. It is typed by hand:
// day and month change places, and what stands between them differs.
var admHeader = regexp.MustCompile(`^[0-9]+[ _-]+[0-9]{4}[.:-][0-9]{2}[.:-][0-9]{2}$`)

// itADM reads one line of the format ITADM, as ADM publishes its lists of
// gambling and tobacco sites and AGCOM sent the annex B of its orders: the
// header, then a name a line, with everything below it, or an address. A URL
// without a path stands for its name. The public reader rfc1036/kit-censura
// (parse_aams, parse_agcom) takes the same lines.
func (c *collector) itADM(line []byte) {
	text := bytes.TrimSpace(line)
	switch {
	case c.line == 1:
		if !admHeader.Match(text) {
			c.refuse(text, problem.Fault{
				Text:   "is no header such as 0000350_2025.29.08",
				Remedy: "fetch the list again, or write format: domains if it has none",
			})
		}
		return
	case len(text) == 0:
		return
	}
	owner, err := urlName(string(text))
	switch {
	case err != nil:
		c.wrong(text, err)
	case isAddress(text):
		c.addAddress(c.plain, owner)
	default:
		c.addListed(c.plain, []byte(owner))
	}
}

// cncpoHeader is the first line of the police's list: a serial number and a
// time, to the day or closer, then empty fields if any.
var cncpoHeader = regexp.MustCompile(`^[0-9]+ *; *[0-9]{8,14}[ ;]*$`)

// itCNCPO reads one line of the format ITCNCPO: the header, then
// url;domain;ipurl;ip. The domain with everything below it and the address are
// under order; the URLs say where on them, which no DNS answer can, and must
// agree with them. The public reader rfc1036/kit-censura (parse_cncpo) knows the
// same columns; of a row with both it takes the domain alone.
func (c *collector) itCNCPO(line []byte) {
	text := bytes.TrimSpace(line)
	switch {
	case c.line == 1:
		if !cncpoHeader.Match(text) {
			c.refuse(text, problem.Fault{
				Text:   "is no header of serial number and time, such as 412;202405211200",
				Remedy: "fetch the list again, or correct format",
			})
		}
		return
	case len(bytes.Trim(text, "; ")) == 0:
		return
	}
	fields, err := splitFields(nil, text, ';')
	if err != nil {
		c.wrong(text, err)
		return
	}
	var cell [4]string // url, domain, ipurl, ip
	for i := range min(len(fields), len(cell)) {
		cell[i] = string(fields[i])
	}
	if !agrees(cell[0], cell[1]) || !agrees(cell[2], cell[3]) || len(bytes.Join(fields[min(len(fields), 4):], nil)) > 0 {
		c.wrong(text, problem.Fault{
			Text:   "is no url;domain;ipurl;ip whose URLs agree with domain and ip",
			Remedy: "ask the authority which of them is meant",
		})
		return
	}
	if cell[1] != "" {
		c.addListed(c.plain, []byte(cell[1]))
	}
	if cell[3] != "" {
		c.addAddress(c.plain, cell[3])
	}
}
