namespace Coach.Observability.Tests.Containers;

/// <summary>A folder that stands for <c>/</c>, with the kernel files a test needs.</summary>
internal sealed class KernelTree : IDisposable
{
    private readonly TempFolder _folder = new();

    public string Root => _folder.Path;

    public KernelTree File(string path, string text)
    {
        string file = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        System.IO.File.WriteAllText(file, text);
        return this;
    }

    public KernelTree Folder(string path)
    {
        Directory.CreateDirectory(Path.Combine(Root, path));
        return this;
    }

    public void Delete(string path)
    {
        string target = Path.Combine(Root, path);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }
        else
        {
            System.IO.File.Delete(target);
        }
    }

    /// <summary>Version 2 alone, as on current systems, the own group at the given path.</summary>
    public KernelTree V2(string group = "/", string mountRoot = "/") => this
        .File("proc/self/cgroup", $"0::{group}\n")
        .File(
            "proc/self/mountinfo",
            $"22 1 0:21 / / rw - ext4 /dev/sda rw\n30 22 0:26 {mountRoot} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 "
            + "rw,nsdelegate\n")
        .Folder("sys/fs/cgroup");

    /// <summary>Version 1, each controller on its own mount.</summary>
    public KernelTree V1(string memoryGroup = "/", string mountRoot = "/", string cpuGroup = "/") => this
        .File(
            "proc/self/cgroup",
            $"5:cpuacct:{cpuGroup}\n4:memory:{memoryGroup}\n3:cpu:{cpuGroup}\n1:name=systemd:/\n0::/\n")
        .File("proc/self/mountinfo", $"""
            31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
            32 31 0:29 {mountRoot} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            33 31 0:30 {mountRoot} /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
            34 31 0:31 {mountRoot} /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
            35 31 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

            """)
        .Folder("sys/fs/cgroup/memory")
            .Folder("sys/fs/cgroup/cpu")
            .Folder("sys/fs/cgroup/cpuacct")
            .Folder("sys/fs/cgroup/unified");

    public void Dispose() => _folder.Dispose();
}
