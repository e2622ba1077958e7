namespace Processor.Configuration;

/// <summary>The limits of the processor: section <c>Processor</c> of the configuration.</summary>
public sealed class ProcessorOptions
{
    /// <summary>The processor that this host runs, as in its registry file.</summary>
    /// <value><c>llm/litellm@1</c> unless set.</value>
    public string Ref { get; set; } = "llm/litellm@1";

    /// <summary>The folder of registry files: <c>ns/name/version/registry.yaml</c>.</summary>
    /// <value><c>registry</c> beside the program unless set.</value>
    public string Registry { get; set; } = Path.Combine(AppContext.BaseDirectory, "registry");

    /// <summary>How long a connection may take to send its first frame, or the rest of one it began.</summary>
    /// <value>1 ms to 10 minutes; 15 seconds unless set.</value>
    public TimeSpan ReceiveTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often an idle connection is pinged.</summary>
    /// <value>1 second to 10 minutes; 25 seconds unless set.</value>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>After how long without a frame a reader gets an event that says the run is alive.</summary>
    /// <value>1 ms to 10 minutes; 10 seconds unless set: clients of both generations give up after 15.</value>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one frame may wait for a reader that does not take it; then its connection is cut.</summary>
    /// <value>1 ms to 10 minutes; 30 seconds unless set. The run goes on.</value>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the other side may take to answer a close frame.</summary>
    /// <value>1 ms to 1 minute; 2 seconds unless set.</value>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest frame that is read.</summary>
    /// <value>1 KiB to 64 MiB; 8 MiB unless set.</value>
    public int MaxFrameBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>How deep objects and lists may lie in each other in a frame.</summary>
    /// <value>4 to 256; 64 unless set.</value>
    public int MaxFrameDepth { get; set; } = 64;

    /// <summary>The deadline of a run that asks for none.</summary>
    /// <value>5 seconds to <see cref="MaxDeadline"/>; 10 minutes unless set.</value>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromSeconds(600);

    /// <summary>The shortest deadline; a run that asks for less gets this.</summary>
    /// <value>1 ms to 10 minutes; 5 seconds unless set.</value>
    public TimeSpan MinDeadline { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest deadline; a run that asks for more gets this.</summary>
    /// <value>5 seconds to 24 hours; 1 hour unless set.</value>
    public TimeSpan MaxDeadline { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a run that was preempted, or is past its deadline, may take to stop; then it is cut.</summary>
    /// <value>1 ms to 1 minute; 5 seconds unless set.</value>
    public TimeSpan PreemptGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many runs may be waiting or running.</summary>
    /// <value>1 to 100,000; 2,000 unless set.</value>
    public int MaxRuns { get; set; } = 2000;

    /// <summary>How many connections may watch one run.</summary>
    /// <value>1 to 1,000; 16 unless set.</value>
    public int MaxConnectionsPerRun { get; set; } = 16;

    /// <summary>How long a run waits for the client that brings its inputs.</summary>
    /// <value>1 ms to 1 hour; 1 minute unless set.</value>
    public TimeSpan PendingTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a finished run can be read again by its id.</summary>
    /// <value>0 to 24 hours; 5 minutes unless set.</value>
    public TimeSpan Retention { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many finished runs are kept; the oldest goes first.</summary>
    /// <value>0 to 100,000; 2,000 unless set.</value>
    public int MaxFinishedRuns { get; set; } = 2000;

    /// <summary>How many bytes of finished runs are kept; the oldest goes first.</summary>
    /// <value>0 to 4 GiB; 64 MiB unless set.</value>
    public long MaxFinishedBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>How many Log frames a run keeps for slow readers; the oldest is dropped and counted.</summary>
    /// <value>1 to 10,000; 256 unless set.</value>
    public int MaxLogFrames { get; set; } = 256;

    /// <summary>How many Token frames a run may make.</summary>
    /// <value>1 to 1,000,000; 65,536 unless set.</value>
    public int MaxTokens { get; set; } = 65_536;

    /// <summary>How long a run's answer may be, in bytes of UTF-8.</summary>
    /// <value>1 to 64 MiB; 1 MiB unless set.</value>
    public int MaxOutputBytes { get; set; } = 1024 * 1024;

    /// <summary>How long running runs may go on after the host was asked to stop; then they are preempted.</summary>
    /// <value>0 to 10 minutes; 20 seconds unless set.</value>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Whether real runs are allowed where <c>CI=true</c>.</summary>
    /// <value>False unless set: <c>ERR_CI_SAFETY</c>.</value>
    public bool AllowRealInCi { get; set; }

    /// <summary>Whether real runs need an image that the registry file pins by digest.</summary>
    /// <value>False unless set; deployments set it: <c>ERR_IMAGE_UNPINNED</c>.</value>
    public bool RequirePinnedImage { get; set; }

    /// <summary>Outputs.</summary>
    public ArtifactOptions Artifacts { get; set; } = new();

    /// <summary>Mock runs.</summary>
    public MockOptions Mock { get; set; } = new();
}

/// <summary>Where outputs are written.</summary>
public sealed class ArtifactOptions
{
    /// <summary>The folder that stands for <c>/artifacts/</c> in paths of outputs.</summary>
    /// <value><c>coach-processor</c> in the system's temporary folder unless set.</value>
    public string Directory { get; set; } = Path.Combine(Path.GetTempPath(), "coach-processor");

    /// <summary>How much this process may write there.</summary>
    /// <value>1 KiB to 1 TiB; 1 GiB unless set.</value>
    public long MaxBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>How long outputs are kept there; older files are removed. The folder is this processor's alone.</summary>
    /// <value>0 (for ever) to 3,650 days; 7 days unless set.</value>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Hosts to which real runs may send outputs by <c>https</c> URL; <c>*.example.com</c> takes its subdomains.
    /// </summary>
    /// <value>None unless set.</value>
    public IList<string> UploadHosts { get; } = [];

    /// <summary>How long one upload may take.</summary>
    /// <value>1 second to 10 minutes; 30 seconds unless set.</value>
    public TimeSpan UploadTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>How a mock run behaves.</summary>
public sealed class MockOptions
{
    /// <summary>The pause between two tokens.</summary>
    /// <value>0 to 1 minute; 40 ms unless set.</value>
    public TimeSpan TokenDelay { get; set; } = TimeSpan.FromMilliseconds(40);

    /// <summary>How much of the last message is repeated, in characters.</summary>
    /// <value>1 to 100,000; 400 unless set.</value>
    public int MaxEcho { get; set; } = 400;
}
