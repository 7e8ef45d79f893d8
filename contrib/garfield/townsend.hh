/// Records electron avalanches of Garfield++ in files that townsend reads.
///
///   townsend::Avalanches  whole avalanches: of each primary electron the electrons at the anode
///   townsend::Responses   responses of single foils: of each electron above a foil the electrons below it
///
/// Both write NumPy's npz with lengths in mm or um and times in ns. Needs C++17 and POSIX, and of Garfield++
/// any class with `GetElectrons()` or, as in older versions, `GetElectronEndpoint(...)`: AvalancheMicroscopic
/// and AvalancheMC. docs/garfield.md of townsend tells how to use it, gem.cc beside this file is an example.
#ifndef TOWNSEND_GARFIELD_HH
#define TOWNSEND_GARFIELD_HH

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <locale>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace townsend {

/// What was simulated, in the user's words and numbers. It goes into the files; nothing is computed from it.
struct Conditions {
  std::string gas;                   ///< "Ar/iC4H10 90/10, 293.15 K, 760 Torr, Penning transfer 0.40"
  std::vector<double> voltages_v;    ///< Voltage of each foil, from the top, V.
  std::vector<double> fields_kv_cm;  ///< Field of each gap, from the top, kV/cm.
  std::string start;                 ///< "anywhere in the cell of a hole, 150 um above the first foil"
  std::string source;                ///< Whatever else is worth knowing: versions, the field map, by whom.
};

/// Where and when a primary electron starts, as Garfield++ is told it.
struct Start {
  double x_cm = 0., y_cm = 0., z_cm = 0., t_ns = 0.;
};

/// The plane where electrons are recorded, such as the anode. It must end the sensor's area
/// (`Sensor::SetArea`) or the gas, so that electrons end there.
struct Plane {
  double at_cm = 0.;           ///< Its place along the axis of drift.
  char drift = 'z';            ///< The axis that electrons drift along, either way: x, y or z.
  double tolerance_cm = 1e-4;  ///< Electrons that end nearer to the plane than this are on it.
};

/// The holes of a foil: one of them, and their distance. They form a hexagonal lattice whose rows of
/// nearest holes are along the first of the two transverse axes (x, where electrons drift along z), or the
/// second.
struct Lattice {
  double pitch_cm = 0.;
  std::array<double, 2> hole_cm = {0., 0.};
  bool rows_along_second = false;

  /// The transverse coordinates of the place `u` holes along a row and `v` rows away, in cm: whole numbers
  /// give holes, and two random numbers between 0 and 1 (`Garfield::RndmUniform()`) a place in the cell of
  /// the holes, of which every place is as likely as any other.
  std::array<double, 2> At(const double u, const double v) const {
    const double along = pitch_cm * (u + 0.5 * v), across = pitch_cm * std::sqrt(0.75) * v;
    return {hole_cm[0] + (rows_along_second ? across : along),
            hole_cm[1] + (rows_along_second ? along : across)};
  }
};

namespace detail {

[[noreturn]] inline void Refuse(const std::string& what, const std::string& remedy) {
  throw std::runtime_error("townsend.hh: " + what + "\n  hint: " + remedy);
}

inline std::string Text(const double value) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(12);
  text << value;
  return text.str();
}

// How many electrons an electron of Garfield++ stands for, where versions know that.
template <class E>
auto Weight(const E& electron, int) -> decltype(static_cast<double>(electron.weight)) {
  return static_cast<double>(electron.weight);
}
template <class E>
double Weight(const E&, long) {
  return 1.;
}

// The largest size an avalanche was allowed to have; 0 or less for any, or where versions do not tell.
template <class A>
auto SizeLimit(const A& avalanche, int) -> decltype(static_cast<long>(avalanche.GetAvalancheSizeLimit())) {
  return static_cast<long>(avalanche.GetAvalancheSizeLimit());
}
template <class A>
long SizeLimit(const A&, long) {
  return 0;
}

struct Electron {
  std::array<double, 3> place_cm = {0., 0., 0.};
  double t_ns = 0.;
  int status = 0;
};

// The ends of all electrons of an avalanche. Of the ranks 2, 1, 0 the highest that compiles is taken: rank 1
// is AvalancheMicroscopic before it had GetElectrons(), rank 0 AvalancheMC.
template <int N>
struct Rank : Rank<N - 1> {};
template <>
struct Rank<0> {};

template <class A>
auto Ends(A& avalanche, Rank<2>) -> decltype(avalanche.GetElectrons(), std::vector<Electron>()) {
  std::vector<Electron> ends;
  for (const auto& electron : avalanche.GetElectrons()) {
    if (electron.path.empty()) Refuse("an electron has no path", "record an avalanche after it was simulated");
    if (Weight(electron, 0) != 1.) {
      Refuse("an electron stands for " + Text(Weight(electron, 0)) + " electrons",
             "simulate with the weight 1, so that each electron ends at a place of its own");
    }
    const auto& end = electron.path.back();
    ends.push_back({{end.x, end.y, end.z}, end.t, electron.status});
  }
  return ends;
}

template <class A>
auto Ends(A& avalanche, Rank<1>)
    -> decltype(avalanche.GetElectronEndpoint(0, std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<int&>()),
                std::vector<Electron>()) {
  std::vector<Electron> ends;
  const auto number = avalanche.GetNumberOfElectronEndpoints();
  for (std::remove_const_t<decltype(number)> i = 0; i < number; ++i) {
    double x0, y0, z0, t0, e0, e1;
    Electron end;
    avalanche.GetElectronEndpoint(i, x0, y0, z0, t0, e0, end.place_cm[0], end.place_cm[1], end.place_cm[2],
                                  end.t_ns, e1, end.status);
    ends.push_back(end);
  }
  return ends;
}

template <class A>
auto Ends(A& avalanche, Rank<0>)
    -> decltype(avalanche.GetElectronEndpoint(0, std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<double&>(), std::declval<double&>(),
                                              std::declval<int&>()),
                std::vector<Electron>()) {
  std::vector<Electron> ends;
  const auto number = avalanche.GetNumberOfElectronEndpoints();
  for (std::remove_const_t<decltype(number)> i = 0; i < number; ++i) {
    double x0, y0, z0, t0;
    Electron end;
    avalanche.GetElectronEndpoint(i, x0, y0, z0, t0, end.place_cm[0], end.place_cm[1], end.place_cm[2],
                                  end.t_ns, end.status);
    ends.push_back(end);
  }
  return ends;
}

/// An electron on the plane: transverse coordinates in cm and time in ns, as Garfield++ has them.
struct Arrival {
  std::array<double, 2> place_cm = {0., 0.};
  double t_ns = 0.;
};

/// Picks the electrons that end on a plane, and counts those that Garfield++ did not follow to their end.
class Anode {
 public:
  explicit Anode(const Plane& plane) : plane_(plane) {
    if (plane.drift != 'x' && plane.drift != 'y' && plane.drift != 'z') {
      Refuse(std::string("the axis of drift is `") + plane.drift + "`", "it is x, y or z");
    }
  }

  /// The two coordinates across the drift, in the order x, y, z.
  std::array<double, 2> Across(const std::array<double, 3>& place) const {
    if (plane_.drift == 'x') return {place[1], place[2]};
    return {place[0], plane_.drift == 'y' ? place[2] : place[1]};
  }

  double Along(const std::array<double, 3>& place) const {
    return place[static_cast<std::size_t>(plane_.drift - 'x')];
  }

  template <class A>
  std::vector<Arrival> Arrivals(A& avalanche, const Start& start) {
    const auto ends = Ends(avalanche, Rank<2>());
    if (ends.empty()) {
      Refuse("the primary electron at (" + Text(start.x_cm) + ", " + Text(start.y_cm) + ", " +
                 Text(start.z_cm) + ") cm was not tracked",
             "start it in the gas and within the sensor's area");
    }
    const long limit = SizeLimit(avalanche, 0);
    if (limit > 0 && ends.size() >= static_cast<std::size_t>(limit)) {
      Refuse("an avalanche was cut at the largest size, " + std::to_string(limit) + " electrons",
             "do not call EnableAvalancheSizeLimit");
    }
    const double from = Along({start.x_cm, start.y_cm, start.z_cm});
    if (!(std::abs(from - plane_.at_cm) > plane_.tolerance_cm)) {
      Refuse("a primary electron starts on the plane where electrons are recorded, at " + Text(from) + " cm",
             "start it on the other side of the foils");
    }
    std::vector<Arrival> arrivals;
    for (const auto& end : ends) {
      if (Arrives(end, from)) {
        arrivals.push_back({Across(end.place_cm), end.t_ns});
      }
    }
    return arrivals;
  }

  /// What the user should know of the electrons that were not recorded; empty if nothing.
  std::string Warning() const {
    std::string warning;
    if (sideways_ > 0) {
      warning += std::to_string(sideways_) +
                 " electrons left the sensor's area at its sides and are missing; make it wider"
                 " (Sensor::SetArea). ";
    }
    for (const auto& [status, number] : unfinished_) {
      warning += std::to_string(number) + " electrons were not followed to their end (status " +
                 std::to_string(status) + " in GarfieldConstants.hh) and are missing. ";
    }
    return warning;
  }

 private:
  // Status codes of Garfield++'s GarfieldConstants.hh.
  static constexpr int kLeftDriftArea = -1, kLeftDriftMedium = -5, kAttached = -7, kRecombined = -9,
                       kHitPlane = -11;

  Plane plane_;
  std::uint64_t sideways_ = 0;
  std::map<int, std::uint64_t> unfinished_;

  bool Arrives(const Electron& end, const double start_cm) {
    for (const double value : {end.place_cm[0], end.place_cm[1], end.place_cm[2], end.t_ns}) {
      if (!std::isfinite(value)) Refuse("an electron ends at no number", "look at the field map there");
    }
    if (end.status == kAttached || end.status == kRecombined) return false;
    // Positive on the way to the plane, negative beyond it.
    const double height = std::copysign(1., start_cm - plane_.at_cm) * (Along(end.place_cm) - plane_.at_cm);
    if (height < -plane_.tolerance_cm) {
      Refuse(std::string("an electron ends at ") + plane_.drift + " = " + Text(Along(end.place_cm)) +
                 " cm, beyond the plane at " + Text(plane_.at_cm) + " cm",
             "end the sensor's area at the plane (Sensor::SetArea), so that electrons end on it");
    }
    if (height <= plane_.tolerance_cm) return true;
    const bool above_start = height >= std::abs(start_cm - plane_.at_cm);
    if (end.status == kLeftDriftArea) {
      sideways_ += !above_start;
    } else if (end.status != kLeftDriftMedium && end.status != kHitPlane) {
      ++unfinished_[end.status];
    }
    return false;
  }
};

inline std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += ' ';
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

inline std::string Joined(const std::vector<double>& values) {
  std::string joined;
  for (const double value : values) joined += (joined.empty() ? "" : ",") + Text(value);
  return joined;
}

/// The JSON that townsend keeps with a data set: units, and where it comes from.
inline std::string Meta(const Conditions& conditions) {
  return R"({"townsend":{"units":["mm","mm","ns"],"provenance":{"producer":"Garfield++","action":"record",)"
         R"("source":)" +
         Quoted(conditions.source) + R"(,"gas":)" + Quoted(conditions.gas) + R"(,"setting":{"start":)" +
         Quoted(conditions.start) + R"(,"conditions":{"voltage_v":[)" + Joined(conditions.voltages_v) +
         R"(],"field_kv_cm":[)" + Joined(conditions.fields_kv_cm) + "]}}}}}";
}

/// The code points of a text in UTF-8; what is not UTF-8 becomes the replacement character.
inline std::vector<std::uint32_t> CodePoints(const std::string& text) {
  std::vector<std::uint32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    const bool leads = first >= 0xC2 && first < 0xF5;
    const int more = first < 0x80 ? 0 : !leads ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    std::uint32_t point = more <= 0 ? first : first & (0x3Fu >> more);
    int found = 0;
    while (found < more && i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) {
      point = point << 6 | (static_cast<unsigned char>(text[i++]) & 0x3Fu);
      ++found;
    }
    const bool whole = found == more && point < 0x110000 && (point < 0xD800 || point > 0xDFFF);
    points.push_back(whole ? point : 0xFFFD);
  }
  return points;
}

inline void Append(std::string& bytes, std::uint64_t value, const int number) {
  for (int i = 0; i < number; ++i, value >>= 8) bytes += static_cast<char>(value & 0xFF);
}

inline void Append(std::string& bytes, const float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  Append(bytes, bits, 4);
}

/// The checksum of zip archives (ISO 3309): polynomial 0xEDB88320, bits reversed.
inline std::uint32_t Crc32(const std::string& bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) ? 0xEDB88320u ^ value >> 1 : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ crc >> 8;
  return ~crc;
}

/// A file that appears under its name when it is whole.
class Output {
 public:
  explicit Output(std::filesystem::path path) : path_(std::move(path)) {
    std::random_device random;
    temporary_ = path_;
    temporary_ += ".part-" + std::to_string(random());
    file_ = std::fopen(temporary_.c_str(), "wbx");
    if (!file_) Fail();
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (!file_) return;
    std::fclose(file_);
    std::remove(temporary_.c_str());
  }

  void Write(const std::string& bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) Fail();
  }

  void Commit() {
    if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) Fail();
    if (std::fclose(std::exchange(file_, nullptr)) != 0) Fail();
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);
    if (error) {
      Refuse(path_.string() + ": cannot be written: " + error.message(),
             "everything is in " + temporary_.string() + ", which is whole");
    }
  }

 private:
  std::filesystem::path path_, temporary_;
  std::FILE* file_ = nullptr;

  [[noreturn]] void Fail() const {
    Refuse(temporary_.string() + ": cannot be written: " + std::strerror(errno),
           "is there room, and may you write there?");
  }
};

/// An npz: a zip archive of arrays, not compressed.
class Npz {
 public:
  explicit Npz(const std::filesystem::path& path) : output_(path) {}

  /// Adds an array; `descr` is NumPy's name of the type, `bytes` its values, little-endian, rows first.
  void Add(const std::string& name, const std::string& descr, const std::vector<std::size_t>& shape,
           const std::string& bytes) {
    std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
    for (const auto length : shape) text += std::to_string(length) + ",";
    text += "), }";
    // The values begin at a multiple of 64 bytes (NumPy's format 1.0).
    text.append(63 - (10 + text.size()) % 64, ' ');
    std::string array = "\x93NUMPY\x01";
    array += '\0';
    Append(array, text.size() + 1, 2);
    array += text + '\n' + bytes;
    Member(name + ".npy", array);
  }

  void Finish() {
    const std::uint64_t start = offset_;
    Put(directory_);
    std::string end;
    Append(end, 0x06054b50, 4);
    Append(end, 0, 4);
    Append(end, members_, 2);
    Append(end, members_, 2);
    Append(end, directory_.size(), 4);
    Append(end, start, 4);
    Append(end, 0, 2);
    Put(end);
    output_.Commit();
  }

 private:
  Output output_;
  std::string directory_;
  std::uint64_t offset_ = 0;
  std::uint64_t members_ = 0;

  void Member(const std::string& name, const std::string& bytes) {
    std::string header;
    Append(header, 20, 2);      // version of the format
    Append(header, 0, 4);       // no flags; stored
    Append(header, 0, 2);       // midnight
    Append(header, 0x0021, 2);  // 1980-01-01: nothing in a file depends on when it was made
    Append(header, Crc32(bytes), 4);
    Append(header, bytes.size(), 4);
    Append(header, bytes.size(), 4);
    Append(header, name.size(), 2);
    Append(header, 0, 2);
    Append(directory_, 0x02014b50, 4);
    Append(directory_, 20, 2);
    directory_ += header;
    Append(directory_, 0, 10);
    Append(directory_, offset_, 4);
    directory_ += name;
    ++members_;
    std::string local;
    Append(local, 0x04034b50, 4);
    Put(local + header + name);
    Put(bytes);
  }

  void Put(const std::string& bytes) {
    offset_ += bytes.size();
    if (offset_ > 0xFFFFFFFFu) Refuse("a file has more than 4 GiB", "record in several files");
    output_.Write(bytes);
  }
};

/// The name of a file that is written, again and again as it grows; another's file is never replaced.
class Target {
 public:
  explicit Target(std::string path) : path_(std::move(path)) { RefuseExisting(); }

  const std::string& Path() const { return path_; }

  /// Before each writing.
  void Claim() {
    if (!ours_) RefuseExisting();
    ours_ = true;
  }

 private:
  std::string path_;
  bool ours_ = false;

  void RefuseExisting() const {
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(path_, error))) {
      Refuse(path_ + ": exists already", "give each job a file of its own, or remove this one");
    }
  }
};

inline std::string Bytes(const std::vector<float>& values) {
  std::string bytes;
  bytes.reserve(4 * values.size());
  for (const float value : values) Append(bytes, value);
  return bytes;
}

/// What both kinds of records share: the file, the plane and the conditions.
class Recorder {
 public:
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

 protected:
  Recorder(std::string file, const Plane& plane, Conditions conditions)
      : anode_(plane), target_(std::move(file)), conditions_(std::move(conditions)) {}

  /// Says so if a record ends with something that is not in its file.
  ~Recorder() {
    if (added_ > written_) Warn(std::to_string(added_ - written_) + " records are not in the file: call Write()");
  }

  Anode anode_;
  std::size_t added_ = 0;

  /// Writes the arrays that `add` adds to an archive, and `meta`.
  template <class F>
  void WriteFile(F add) {
    target_.Claim();
    Npz npz(target_.Path());
    add(npz);
    std::string meta;
    const auto points = CodePoints(Meta(conditions_));
    for (const auto point : points) Append(meta, point, 4);
    npz.Add("meta", "<U" + std::to_string(points.size()), {}, meta);
    npz.Finish();
    written_ = added_;
    const auto warning = anode_.Warning();
    if (warning != warned_) Warn(warning);
    warned_ = warning;
  }

 private:
  Target target_;
  Conditions conditions_;
  std::size_t written_ = 0;
  std::string warned_;

  void Warn(const std::string& what) const {
    std::cerr << "townsend.hh: warning: " << target_.Path() << ": " << what << std::endl;
  }
};

}  // namespace detail

/// Whole avalanches: of each primary electron the electrons on a plane, relative to the primary electron.
///
/// The file has the arrays `offsets` (n + 1; avalanche k has the electrons from offsets[k] on), `x`, `z` (mm,
/// across the drift), `t` (ns), `start_um` (n × 2, the primary electrons' places) and `meta`.
class Avalanches : public detail::Recorder {
 public:
  /// Refuses a file that exists.
  Avalanches(std::string file, const Plane& plane, Conditions conditions = {})
      : Recorder(std::move(file), plane, std::move(conditions)) {}

  /// Adds the avalanche that Garfield++ has just simulated from `start`, empty or not, and returns how many
  /// of its electrons are on the plane. Leave none out: empty avalanches belong to the gain.
  template <class A>
  std::size_t Add(A& avalanche, const Start& start) {
    const auto arrivals = anode_.Arrivals(avalanche, start);
    const auto from = anode_.Across({start.x_cm, start.y_cm, start.z_cm});
    for (const auto& arrival : arrivals) {
      x_.push_back(static_cast<float>(10. * (arrival.place_cm[0] - from[0])));
      z_.push_back(static_cast<float>(10. * (arrival.place_cm[1] - from[1])));
      t_.push_back(static_cast<float>(arrival.t_ns - start.t_ns));
    }
    offsets_.push_back(x_.size());
    for (const double place : from) start_um_.push_back(static_cast<float>(1e4 * place));
    added_ = offsets_.size() - 1;
    return arrivals.size();
  }

  /// Avalanches so far.
  std::size_t Size() const { return added_; }

  /// Writes all avalanches so far. The file is whole at any time: call it as often as you like to lose
  /// nothing when a job ends early.
  void Write() {
    WriteFile([this](detail::Npz& npz) {
      std::string offsets;
      for (const auto offset : offsets_) detail::Append(offsets, offset, 8);
      npz.Add("offsets", "<i8", {offsets_.size()}, offsets);
      npz.Add("x", "<f4", {x_.size()}, detail::Bytes(x_));
      npz.Add("z", "<f4", {z_.size()}, detail::Bytes(z_));
      npz.Add("t", "<f4", {t_.size()}, detail::Bytes(t_));
      npz.Add("start_um", "<f4", {added_, 2}, detail::Bytes(start_um_));
    });
  }

 private:
  std::vector<std::uint64_t> offsets_ = {0};
  std::vector<float> x_, z_, t_, start_um_;
};

/// Responses of foils: of each electron that starts above a foil the electrons on a plane below it.
///
/// Of each foil, by its name, the file has the arrays that `townsend train configs/cascade-stages.toml`
/// reads:
/// `NAME_start` (n × 3: number, place in µm, a hole at the origin) and `NAME_electrons` (m × 8: number, place
/// and height of the start in µm, place and height of the electron in µm, time since the start in ns).
class Responses : public detail::Recorder {
 public:
  /// Refuses a file that exists. Foils whose plane or holes are elsewhere go into files of their own.
  Responses(std::string file, const Plane& plane, const Lattice& lattice, Conditions conditions = {})
      : Recorder(std::move(file), plane, std::move(conditions)), plane_(plane), lattice_(lattice) {
    if (!(lattice.pitch_cm > 0.)) {
      detail::Refuse("the pitch of the holes is " + detail::Text(lattice.pitch_cm) + " cm", "give it in cm");
    }
  }

  /// Adds the response of the foil `name` that Garfield++ has just simulated from `start`, and returns how
  /// many electrons are on the plane. Leave none out: electrons that are lost tell of the collection.
  template <class A>
  std::size_t Add(const std::string& name, A& avalanche, const Start& start) {
    CheckName(name);
    const auto arrivals = anode_.Arrivals(avalanche, start);
    auto& foil = foils_[name];
    // Numbers are kept as float32, like all columns, which is exact up to 2^24.
    if (foil.start.size() / 3 >= 1u << 24) detail::Refuse("a foil has 2^24 responses", "begin another file");
    const std::array<double, 3> from = {start.x_cm, start.y_cm, start.z_cm};
    const auto number = static_cast<float>(foil.start.size() / 3);
    const auto [x0, z0] = FromHole(anode_.Across(from));
    foil.start.insert(foil.start.end(), {number, x0, z0});
    for (const auto& arrival : arrivals) {
      const auto [x1, z1] = FromHole(arrival.place_cm);
      foil.electrons.insert(foil.electrons.end(),
                            {number, x0, z0, Um(anode_.Along(from)), x1, z1, Um(plane_.at_cm),
                             static_cast<float>(arrival.t_ns - start.t_ns)});
    }
    ++added_;
    return arrivals.size();
  }

  /// Responses so far, of all foils.
  std::size_t Size() const { return added_; }

  /// Writes all responses so far; call it as often as you like, as `Avalanches::Write`.
  void Write() {
    WriteFile([this](detail::Npz& npz) {
      for (const auto& [name, foil] : foils_) {
        npz.Add(name + "_start", "<f4", {foil.start.size() / 3, 3}, detail::Bytes(foil.start));
        npz.Add(name + "_electrons", "<f4", {foil.electrons.size() / 8, 8}, detail::Bytes(foil.electrons));
      }
    });
  }

 private:
  struct Foil {
    std::vector<float> start, electrons;
  };

  Plane plane_;
  Lattice lattice_;
  std::map<std::string, Foil> foils_;

  static float Um(const double cm) { return static_cast<float>(1e4 * cm); }

  /// Place relative to the hole, with the rows of holes along the first coordinate, µm.
  std::array<float, 2> FromHole(const std::array<double, 2>& place_cm) const {
    const float first = Um(place_cm[0] - lattice_.hole_cm[0]), second = Um(place_cm[1] - lattice_.hole_cm[1]);
    if (lattice_.rows_along_second) return {second, first};
    return {first, second};
  }

  static void CheckName(const std::string& name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](const unsigned char c) {
      return std::isalnum(c) || c == '_' || c == '-';
    });
    if (name.empty() || !plain) {
      detail::Refuse("`" + name + "` cannot be the name of a foil", "use letters, digits, _ and -");
    }
  }
};

}  // namespace townsend

#endif
