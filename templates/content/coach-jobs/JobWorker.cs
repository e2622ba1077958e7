using System.Text;
using System.Text.Json;
using Coach.Abstractions;

namespace CoachTemplateApp;

/// <summary>Takes one job after the other. A job of a host that died comes back when its lease ends.</summary>
internal sealed class JobWorker(IJobStore jobs, TimeProvider time, ILogger<JobWorker> logger) : BackgroundService
{
    public const string Queue = "texts";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await jobs.TakeAsync(Queue, Lease, stoppingToken) is not { } taken)
                {
                    await Task.Delay(Pause, time, stoppingToken);
                    continue;
                }

                byte[] result = JsonSerializer.SerializeToUtf8Bytes(Work(Encoding.UTF8.GetString(taken.Job.Payload.Span)));
                await jobs.CompleteAsync(taken, result, CancellationToken.None);
            }
            catch (StoreException exception)
            {
                logger.LogWarning("The queue waits: {Reason}", exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken);
            }
        }
    }

    // Your own work: ask a model, judge a text, make a report.
    private static object Work(string text)
    {
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        string[] sentences = text.Split(['.', '!', '?'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new { words = words.Length, sentences = sentences.Length, longest = sentences.MaxBy(sentence => sentence.Length) };
    }
}
