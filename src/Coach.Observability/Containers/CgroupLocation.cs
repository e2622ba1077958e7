using System.Text;

namespace Coach.Observability.Containers;

/// <summary>
/// Where this process's control groups are: for memory and for processor time, the own group's folder first, then each
/// parent up to the mount point.
/// </summary>
/// <remarks>
/// Follows coreclr/gc/unix/cgroup.cpp: <c>/proc/self/cgroup</c> joined with <c>/proc/self/mountinfo</c>, controller by
/// controller.
/// </remarks>
internal sealed class CgroupLocation
{
    private CgroupLocation()
    {
    }

    public static CgroupLocation None { get; } = new();

    /// <summary>
    /// The lines of <c>/proc/self/cgroup</c> that this location was found with: others mean that the process was moved.
    /// </summary>
    public IReadOnlyList<string> Groups { get; private init; } = [];

    /// <summary>Whether memory is accounted by version 2; false means version 1 or nothing.</summary>
    public bool IsMemoryV2 { get; private init; }

    public bool IsCpuV2 { get; private init; }

    public IReadOnlyList<string> Memory { get; private init; } = [];

    /// <summary>Folders with <c>cpuacct.usage</c> (version 1) or <c>cpu.stat</c> (version 2).</summary>
    public IReadOnlyList<string> CpuUsage { get; private init; } = [];

    /// <summary>
    /// Whether processor time is counted for the whole machine only, while memory is counted for an own group (version
    /// 1).
    /// </summary>
    public bool IsCpuOfTheMachine { get; private init; }

    /// <summary>Folders with the processor quota.</summary>
    public IReadOnlyList<string> CpuLimit { get; private init; } = [];

    /// <summary>Where the process is now.</summary>
    public static string[] ReadGroupLines(string root) => KernelFile.Lines(Path.Combine(root, "proc/self/cgroup"));

    public static CgroupLocation Find(string root, string[] groupLines)
    {
        List<Mount> mounts = ReadMounts(Path.Combine(root, "proc/self/mountinfo"));
        List<Group> groups = ReadGroups(groupLines);
        if (mounts.Count == 0 || groups.Count == 0)
        {
            return None;
        }

        IReadOnlyList<string> unified = Chain(
            root, mounts.FindAll(m => m.IsV2), groups.Find(g => g.Controllers.Length == 0));
        IReadOnlyList<string> memory = Controller(root, mounts, groups, "memory");
        IReadOnlyList<string> cpuacct = Controller(root, mounts, groups, "cpuacct");
        IReadOnlyList<string> cpu = Controller(root, mounts, groups, "cpu");
        return new CgroupLocation
        {
            Groups = groupLines,

            // Hybrid machines mount version 2 too, without the memory controller: version 1 wins where it has the
            // controller.
            IsMemoryV2 = memory.Count == 0 && unified.Count > 0,
            Memory = memory.Count > 0 ? memory : unified,
            IsCpuV2 = cpuacct.Count == 0 && unified.Count > 0,
            CpuUsage = cpuacct.Count > 0 ? cpuacct : unified,
            CpuLimit = cpuacct.Count > 0 ? cpu : unified,
            IsCpuOfTheMachine = cpuacct.Count > 0
                && memory.Count > 0
                && PathOf(groups, "cpuacct") == "/"
                && PathOf(groups, "memory") != "/",
        };
    }

    /// <summary>
    /// Whether a folder is the root of the machine's hierarchy, whose figures are the machine's. Version 2 gives every
    /// other group <c>cgroup.type</c>; version 1 gives the root alone <c>release_agent</c> (linux/kernel/cgroup:
    /// CFTYPE_NOT_ON_ROOT, CFTYPE_ONLY_ON_ROOT).
    /// </summary>
    public static bool IsMachine(string folder, bool v2) => v2
        ? !File.Exists(Path.Combine(folder, "memory.current")) && !File.Exists(Path.Combine(folder, "cgroup.type"))
        : File.Exists(Path.Combine(folder, "release_agent"));

    private static string? PathOf(List<Group> groups, string controller) =>
        groups.Find(g => g.Controllers.Contains(controller))?.Path;

    private static IReadOnlyList<string> Controller(
        string root, List<Mount> mounts, List<Group> groups, string controller) =>
        Chain(
            root,
            mounts.FindAll(m => !m.IsV2 && m.Controllers.Contains(controller)),
            groups.Find(g => g.Controllers.Contains(controller)));

    private static List<string> Chain(string root, List<Mount> mounts, Group? group)
    {
        // The hierarchy may be mounted more than once, as when the host's is shown to a container: the mount that holds
        // the group counts.
        if (group is null || (mounts.Find(m => m.Holds(group.Path)) ?? mounts.FirstOrDefault()) is not { } mount)
        {
            return [];
        }

        string path = group.Path;
        if (path.Split('/').Contains(".."))
        {
            path = ""; // The group lies outside this namespace: the mount's root is the nearest thing to see.
        }
        else if (mount.Root != "/")
        {
            path = mount.Holds(path) ? path[mount.Root.Length..] : "";
        }

        string top = Path.Combine(root, mount.Point.TrimStart('/'));
        List<string> chain = [];
        for (string relative = path.Trim('/'); ; relative = relative[..Math.Max(0, relative.LastIndexOf('/'))])
        {
            string folder = relative.Length == 0 ? top : Path.Combine(top, relative);
            if (Directory.Exists(folder))
            {
                chain.Add(folder);
            }

            if (relative.Length == 0 || chain.Count >= 64)
            {
                return chain;
            }
        }
    }

    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue   (proc(5))
    private static List<Mount> ReadMounts(string path)
    {
        List<Mount> mounts = [];
        foreach (string line in KernelFile.Lines(path))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (fields.Length > 4 && dash > 4 && fields.Length > dash + 3 && fields[dash + 1] is "cgroup" or "cgroup2")
            {
                bool isV2 = fields[dash + 1] == "cgroup2";
                string[] controllers = fields[dash + 3].Split(',');
                mounts.Add(new Mount(isV2, Unescape(fields[3]), Unescape(fields[4]), controllers));
            }
        }

        return mounts;
    }

    // 4:memory:/docker/abc   or, for version 2,   0::/user.slice
    private static List<Group> ReadGroups(string[] lines)
    {
        List<Group> groups = [];
        foreach (string line in lines)
        {
            string[] fields = line.Split(':', 3);
            if (fields.Length == 3 && fields[2].StartsWith('/'))
            {
                groups.Add(new Group(fields[1].Length == 0 ? [] : fields[1].Split(','), fields[2]));
            }
        }

        return groups;
    }

    // Space, tab, line feed and backslash stand as \040, \011, \012 and \134.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\'
                && i + 3 < text.Length
                && IsOctal(text[i + 1])
                && IsOctal(text[i + 2])
                && IsOctal(text[i + 3]))
            {
                result.Append((char)(((text[i + 1] - '0') * 64) + ((text[i + 2] - '0') * 8) + (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    private static bool IsOctal(char c) => c is >= '0' and <= '7';

    private sealed record Mount(bool IsV2, string Root, string Point, string[] Controllers)
    {
        public bool Holds(string group) =>
            Root == "/" || group == Root || group.StartsWith(Root + "/", StringComparison.Ordinal);
    }

    private sealed record Group(string[] Controllers, string Path);
}
