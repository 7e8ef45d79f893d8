// Makes geant4.root with g4tools (github.com/gbarrand/g4tools), the library by which Geant4's analysis
// manager writes.
// c++ -std=c++11 -I g4tools make_geant4.cpp -o make && ./make geant4.root
#include <cmath>
#include <cstdlib>
#include <tools/wroot/file>
#include <tools/wroot/to>
#include <tools/wroot/ntuple>
#include <iostream>
int main(int, char** argv) {
  tools::wroot::file file(std::cout, argv[1]);
  tools::wroot::directory& top = file.dir();
  tools::wroot::directory* sub = top.mkdir("histo");
  tools::histo::h1d h1("energy", 6, 0, 4);
  tools::histo::h2d h2("x and y", 3, -1, 2, 2, 0, 4);
  tools::histo::h3d h3("x, y and t", 2, 0, 2, 3, 0, 3, 4, 0, 4);
  std::vector<double> edges; edges.push_back(0); edges.push_back(1); edges.push_back(3);
  tools::histo::h1d weighted("weights", edges);
  tools::histo::p1d p1("profile", 4, 0, 4, -10, 10);
  tools::histo::p2d p2("profile of two", 4, 0, 4, 2, 0, 2, -10, 10);
  h1.add_annotation(tools::histo::key_axis_x_title(), "energy [keV]");
  h2.add_annotation(tools::histo::key_axis_y_title(), "y [cm]");
  for (int i = 0; i < 20; i++) {
    h1.fill(0.25 * i);
    h2.fill(0.2 * i - 1.5, 0.3 * i);
    h3.fill(0.15 * i, 0.2 * i, 0.25 * i);
    weighted.fill(0.2 * i, 0.5 + i);
    p1.fill(0.2 * i, i * 0.5);
    p2.fill(0.2 * i, 0.1 * i, i * 0.5);
  }
  tools::histo::h1df h1f("floats", 5, 0, 5);
  tools::histo::h2df h2f("floats", 2, 0, 5, 2, 0, 5);
  tools::histo::h3df h3f("floats", 2, 0, 5, 2, 0, 5, 2, 0, 5);
  for (int i = 0; i < 7; i++) { h1f.fill(i); h2f.fill(i, i); h3f.fill(i, i, 2 * i); }
  bool good = tools::wroot::to(*sub, h1, "h1") && tools::wroot::to(*sub, h2, "h2") && tools::wroot::to(*sub, h3, "h3")
    && tools::wroot::to(top, weighted, "weighted") && tools::wroot::to(top, p1, "p1") && tools::wroot::to(top, p2, "p2")
    && tools::wroot::to(top, h1f, "h1f") && tools::wroot::to(top, h2f, "h2f") && tools::wroot::to(top, h3f, "h3f");
  tools::wroot::ntuple* tree = new tools::wroot::ntuple(top, "hits", "steps in the gas");
  tools::wroot::ntuple::column<int>* event = tree->create_column<int>("event");
  tools::wroot::ntuple::column<double>* e = tree->create_column<double>("e");
  tools::wroot::ntuple::column<float>* t = tree->create_column<float>("t");
  tools::wroot::ntuple::column_string* s = tree->create_column_string("volume");
  std::vector<double> x;
  tree->create_column_vector_ref<double>("x", x);
  for (int i = 0; i < 12; i++) {
    x.assign(i % 4, 0.5 * i);
    good = good && event->fill(i / 3) && e->fill(0.5 * i) && t->fill(1.5f * i) && s->fill(i % 2 ? "gas" : "foil") && tree->add_row();
  }
  unsigned int bytes;
  good = good && file.write(bytes);
  file.close();
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
