"""Makes packed.root and packed.expected.txt: Float16_t and Double32_t, as leaves and as members of split objects, beside
containers of all kinds. Needs a C++ compiler.

A line of the expected text: `tree<TAB>branch<TAB>lengths of entries<TAB>values`, as ROOT reads them.
"""

import array
import os
import sys
import tempfile

import ROOT

LEAVES = [
    "a/f", "b/f[-2,2,12]", "c[3]/f", "d[3]/f[0,2*pi,10]", "e[n]/f", "g[n]/f[0,10]", "h[2][3]/d[0,0,10]",
    "i[n][2]/d[-pi,pi,20]", "j/d", "k/d[0,0,14]", "l/d[0,0,16]", "m/f[0,0,6]", "o[n]/d", "p[n][2]/F", "q[4][5]/F",
    "r/d[-1,1]", "s/d[0,pi/2,30]", "u[n][2][3]/d[0,10,8]", "v/d[5,5]", "w/f[1e1,2.5e1,7]", "y/d[-twopi, pi/4 , 9]",
    "z/f[ -2.5 , 0.5]",
]
CLASSES = """
#include <cstdio>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <vector>
#include "TString.h"
#include "TTree.h"
struct Inner { Double32_t q; Float16_t h; Float16_t w[2]; /*[0,4,9]*/ };
struct Base {
  Double32_t bx; //[-1,1,14]
};
struct Packed : public Base {
  Double32_t d0;
  Double32_t d1; //[0,10,8]
  Double32_t d2; //[0,2*pi,10]
  Double32_t d3; //[0,0,10]
  Double32_t d4; //[-pi/2, pi/2]
  Double32_t d5[3]; //[-2,2,12]
  Double32_t d6[2][3]; //[0,0,8]
  Float16_t f0;
  Float16_t f1; //[0,10,8]
  Float16_t f2; //[0,0,6]
  Float16_t f3[3]; //[-5,5]
  Int_t n;
  Double32_t *dn; //[n][0,10,9]
  Float16_t *fn; //[n]
  Float_t *pn; //[n]
  std::vector<Double32_t> vd; //[0,10,8]
  std::vector<Float16_t> vf;
  std::vector<int> v;
  std::deque<short> dq;
  std::list<Long64_t> ls;
  std::set<int> st;
  std::vector<Inner> vi;
  std::string s;
  TString ts;
  Inner in;
  Packed() : n(0), dn(nullptr), fn(nullptr), pn(nullptr) {}
};
void fill(TTree *tree) {
  Packed p;
  p.dn = new Double32_t[4]; p.fn = new Float16_t[4]; p.pn = new Float_t[4];
  Packed *address = &p;
  tree->Branch("p.", &address, 32000, 99);
  std::vector<Double32_t> whole; std::vector<Float16_t> half;
  auto wholes = &whole; auto halves = &half;
  tree->Branch("whole", "vector<Double32_t>", &wholes);
  tree->Branch("half", "vector<Float16_t>", &halves);
  for (int i = 0; i < 12; i++) {
    auto value = [i](int j) { return ((i * 7 + j * 3) % 23 - 11) * 0.377; };
    p.bx = value(0) / 5; p.d0 = value(1); p.d1 = value(2); p.d2 = value(3); p.d3 = value(4); p.d4 = value(5) / 3;
    for (int j = 0; j < 3; j++) { p.d5[j] = value(j) / 2; p.f3[j] = value(j + 4); }
    for (int j = 0; j < 6; j++) p.d6[j / 3][j % 3] = value(j + 1);
    p.f0 = value(6); p.f1 = value(7); p.f2 = value(8);
    p.n = i % 5;
    p.vd.clear(); p.vf.clear(); p.v.clear(); p.dq.clear(); p.ls.clear(); p.st.clear(); p.vi.clear();
    whole.clear(); half.clear();
    for (int j = 0; j < p.n; j++) {
      p.dn[j] = value(j); p.fn[j] = value(j + 1); p.pn[j] = value(j + 2);
      p.vd.push_back(value(j)); p.vf.push_back(value(j)); p.v.push_back(i - j); p.dq.push_back(j - i);
      p.ls.push_back(i * j); p.st.insert(3 * j - i);
      p.vi.push_back(Inner{value(j), (Float16_t)value(j + 1), {(Float16_t)value(j + 2), (Float16_t)value(j + 3)}});
      whole.push_back(value(j + 5)); half.push_back(value(j + 5));
    }
    p.s = std::string(10 * i, 's'); p.ts = TString('t', 30 * i);
    p.in = Inner{value(9), (Float16_t)value(10), {1, 2}};
    tree->Fill();
  }
  tree->ResetBranchAddresses();
}
template <class GET> void line(TTree *tree, Packed **p, const char *name, FILE *out, GET get) {
  std::string lengths, values;
  for (Long64_t i = 0; i < tree->GetEntries(); i++) {
    tree->GetEntry(i);
    std::vector<double> entry = get(**p);
    lengths += (i ? " " : "") + std::to_string(entry.size());
    char text[40];
    for (double value : entry) { snprintf(text, 40, "%s%.17g", values.empty() ? "" : " ", value); values += text; }
  }
  fprintf(out, "members\\t%s\\t%s\\t%s\\n", name, lengths.c_str(), values.c_str());
}
void dump(TTree *tree, const char *path) {
  FILE *out = fopen(path, "a");
  Packed *p = nullptr;
  std::vector<Double32_t> *whole = nullptr; std::vector<Float16_t> *half = nullptr;
  tree->SetBranchAddress("p.", &p); tree->SetBranchAddress("whole", &whole); tree->SetBranchAddress("half", &half);
  using V = std::vector<double>;
#define LINE(name, ...) line(tree, &p, name, out, [&](Packed &o) -> V { __VA_ARGS__ })
#define ONE(name, member) LINE(name, return {(double)o.member};)
#define MANY(name, from, to) LINE(name, return V(from, to);)
  ONE("p.Base.bx", bx); ONE("p.d0", d0); ONE("p.d1", d1); ONE("p.d2", d2); ONE("p.d3", d3); ONE("p.d4", d4);
  MANY("p.d5[3]", o.d5, o.d5 + 3); MANY("p.d6[2][3]", &o.d6[0][0], &o.d6[0][0] + 6);
  ONE("p.f0", f0); ONE("p.f1", f1); ONE("p.f2", f2); MANY("p.f3[3]", o.f3, o.f3 + 3); ONE("p.n", n);
  MANY("p.dn", o.dn, o.dn + o.n); MANY("p.fn", o.fn, o.fn + o.n); MANY("p.pn", o.pn, o.pn + o.n);
  MANY("p.vd", o.vd.begin(), o.vd.end()); MANY("p.vf", o.vf.begin(), o.vf.end()); MANY("p.v", o.v.begin(), o.v.end());
  MANY("p.dq", o.dq.begin(), o.dq.end()); MANY("p.ls", o.ls.begin(), o.ls.end()); MANY("p.st", o.st.begin(), o.st.end());
  LINE("p.vi.q", V v; for (auto &i : o.vi) v.push_back(i.q); return v;);
  LINE("p.vi.h", V v; for (auto &i : o.vi) v.push_back(i.h); return v;);
  LINE("p.vi.w[2]", V v; for (auto &i : o.vi) { v.push_back(i.w[0]); v.push_back(i.w[1]); } return v;);
  LINE("p.s", return V(o.s.begin(), o.s.end());); LINE("p.ts", return V(o.ts.Data(), o.ts.Data() + o.ts.Length()););
  ONE("p.in.q", in.q); ONE("p.in.h", in.h); MANY("p.in.w[2]", o.in.w, o.in.w + 2);
  MANY("whole", whole->begin(), whole->end()); MANY("half", half->begin(), half->end());
  fclose(out);
}
#ifdef __CLING__
#pragma link C++ class Inner+;
#pragma link C++ class Base+;
#pragma link C++ class Packed+;
#pragma link C++ class std::vector<Inner>+;
#endif
"""


def fill_leaves():
    tree = ROOT.TTree("leaves", "leaves of packed numbers")
    n = array.array("i", [0])
    tree.Branch("n", n, "n/I")
    buffers = []
    for leaf in LEAVES:
        buffers.append(array.array("d" if "/d" in leaf else "f", [0] * 40))
        tree.Branch(leaf.split("/")[0].split("[")[0], buffers[-1], leaf)
    for i in range(20):
        n[0] = i % 5
        for buffer in buffers:
            for j in range(len(buffer)):
                buffer[j] = ((i * 7 + j * 3) % 23 - 11) * 0.377
        tree.Fill()
    tree.Write()


def dump_leaves(tree, out):
    for branch in tree.GetListOfBranches():
        leaf, lengths, values = branch.GetListOfLeaves()[0], [], []
        for entry in range(tree.GetEntries()):
            tree.GetEntry(entry)
            lengths.append(leaf.GetLen())
            values += [leaf.GetValue(i) for i in range(leaf.GetLen())]
        text = " ".join(map(str, lengths)), " ".join(repr(float(value)) for value in values)
        print("leaves", branch.GetName(), *text, sep="\t", file=out)


name = os.path.abspath(sys.argv[1])
expected = name.replace(".root", ".expected.txt")
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/classes.C", "w") as source:
        source.write(CLASSES)
    ROOT.gROOT.ProcessLine(f".L {folder}/classes.C+")
    root_file = ROOT.TFile(name, "RECREATE", "", 505)
    fill_leaves()
    members = ROOT.TTree("members", "members of packed numbers")
    ROOT.fill(members)
    members.Write()
    root_file.Close()
    root_file = ROOT.TFile.Open(name)
    with open(expected, "w") as out:
        dump_leaves(root_file.Get("leaves"), out)
    ROOT.dump(root_file.Get("members"), expected)
