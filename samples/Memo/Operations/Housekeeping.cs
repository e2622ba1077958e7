using Memo.Configuration;
using Memo.Costs;
using Memo.Data;
using Memo.Http;
using Memo.Jobs;

namespace Memo.Operations;

/// <summary>What happens by itself: what is set aside and booked for jobs, backups, the end of uploads, alerts.</summary>
internal sealed class Housekeeping(
    MemoDatabase database, DataFolder folder, EvaluationStore store, JobBudget budget, Uploads uploads,
    SettingsStore settings, AlertMonitor alerts, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await budget.HoldAllAsync(stoppingToken).ConfigureAwait(false);
                await budget.SettleAllAsync(stoppingToken).ConfigureAwait(false);
                DateTimeOffset erased = uploads.Sweep();
                await store.ForgetUploadsAsync(erased, stoppingToken).ConfigureAwait(false);
                BackUp();
                await alerts.CheckAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                logger.LogWarning("Housekeeping waits for its next turn: {Reason}", exception.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private void BackUp()
    {
        BackupSettings backup = settings.Current.Backup;
        if (!backup.Enabled || database is not SqliteDatabase sqlite)
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        string? newest = Backup.List(folder.Backups).FirstOrDefault();
        if (newest is null || now.UtcDateTime - File.GetLastWriteTimeUtc(newest) >= backup.Interval)
        {
            string path = Backup.Create(sqlite, folder.Backups, now, backup.Keep);
            logger.LogInformation("Backup {File} was made and proved", Path.GetFileName(path));
        }
    }
}
