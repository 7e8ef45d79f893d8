// Reads every histogram of a file with TFile::Get and prints the seconds that took, and the sum of all entries.
#include <TCollection.h>
#include <TFile.h>
#include <TH3.h>
#include <TKey.h>

#include <chrono>
#include <cstdio>
#include <memory>

int main(int, char **arguments)
{
   TH1::AddDirectory(false);
   const auto start = std::chrono::steady_clock::now();
   std::unique_ptr<TFile> file(TFile::Open(arguments[1]));
   double entries = 0;
   for (TObject *key : *file->GetListOfKeys()) {
      std::unique_ptr<TH3F> histogram(file->Get<TH3F>(key->GetName()));
      entries += histogram->GetEntries();
   }
   const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
   std::printf("%.9f %.1f\n", seconds.count(), entries);
}
