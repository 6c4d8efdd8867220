export type {
  ContainerOptions,
  HealthOptions,
  MountRequest,
  SecurityOption,
  VolumeMount,
  VolumesFrom,
} from './bundle/container-options.ts';
export type {ExecOptions} from './bundle/exec-process.ts';
export type {HealthCheck} from './bundle/health-check.ts';
export type {IpcMode} from './bundle/ipc-mode.ts';
export type {BlockIoLimit, LimitOptions} from './bundle/limit-options.ts';
export type {Check, Diagnosis, DiagnosisRequest} from './containers/diagnose.ts';
export type {UserRights} from './containers/diagnose-user.ts';
export type {CommitOptions, CommittedImage} from './containers/files/commit-container.ts';
export type {
  ContainerFiles,
  ContainerPathFiles,
  CopyFromContainerOptions,
  CopyOfContainer,
  ReadContainerOptions,
} from './containers/files/copy-from-container.ts';
export type {CopyToContainer, CopyToContainerOptions} from './containers/files/copy-to-container.ts';
export type {ContainerChange} from './containers/files/list-changes.ts';
export type {ContainerPath} from './containers/files/located-file.ts';
export type {ContainerPathStatus} from './containers/files/path-status.ts';
export type {CopyIn, CopyOut} from './containers/files/run-copies.ts';
export type {HealthReport} from './containers/health/check-health.ts';
export type {ContainerHealth, HealthResult, HealthStatus} from './containers/health/health-log.ts';
export type {Attachment, AttachOptions} from './containers/kept/attach-container.ts';
export type {CreateRequest} from './containers/kept/create-container.ts';
export type {ExecRequest} from './containers/kept/exec-container.ts';
export type {ContainerDetails, InspectContainerOptions, MadeWith} from './containers/kept/inspect-container.ts';
export type {ContainerSummary, ListContainersOptions} from './containers/kept/list-containers.ts';
export type {LogFilter, LogPiece} from './containers/kept/log-records.ts';
export type {PruneContainersOptions, PrunedContainers} from './containers/kept/prune-containers.ts';
export type {LogsOptions} from './containers/kept/read-logs.ts';
export type {ContainerState} from './containers/kept/read-state.ts';
export type {RemoveContainerOptions} from './containers/kept/remove-container.ts';
export type {RestartPolicy} from './containers/kept/restart-policy.ts';
export type {StopOptions} from './containers/kept/stop-container.ts';
export type {ContainerChanges} from './containers/kept/update-container.ts';
export type {WaitCondition, WaitOptions} from './containers/kept/wait-for-condition.ts';
export type {WaitForPortOptions} from './containers/kept/wait-for-port.ts';
export type {ContainerUsage, WatchUsageOptions} from './containers/kept/watch-usage.ts';
export type {MountBundleOptions, MountedBundleReport} from './containers/mount-bundle.ts';
export type {CreateNetworkRequest, SubnetRequest} from './containers/networks/create-network.ts';
export type {NetworkMember, NetworkSummary} from './containers/networks/list-networks.ts';
export type {ContainerMembership, ContainerNetworks} from './containers/networks/read-networks.ts';
export type {ToolkitInfo} from './containers/read-info.ts';
export type {RunRequest, RunResult} from './containers/run.ts';
export type {ContainerProcess} from './containers/spawn.ts';
export type {VolumeRequest} from './containers/volumes/create-volume.ts';
export type {VolumeDetails} from './containers/volumes/list-volumes.ts';
export type {PrunedVolumes, PruneVolumesOptions, RemoveVolumeOptions} from './containers/volumes/remove-volume.ts';
export type {Volume} from './containers/volumes/volume.ts';
export {type ErrorKind, isWinchError, WinchError} from './errors.ts';
export {type CallOptions, type EventSink, iterateEvents, type ProcessFacts, type WinchEvent} from './events.ts';
export type {CgroupUsage} from './host/cgroup-usage.ts';
export type {NetworkTraffic} from './host/network-traffic.ts';
export type {ProcessDetails} from './host/process-details.ts';
export type {ExportedFiles, ExportOptions} from './images/archives/export-image.ts';
export type {ImportedImage, ImportOptions} from './images/archives/import-rootfs.ts';
export type {LoadedImage, LoadOptions} from './images/archives/load.ts';
export type {ArchiveInput} from './images/archives/open-input.ts';
export type {ImageArchive, SaveOptions} from './images/archives/save.ts';
export type {RestoreCacheOptions, RestoredCache, RestoredImage, RestoreOutcome} from './images/cache/restore-cache.ts';
export type {CacheToSave, SaveCacheOptions, SavedCache} from './images/cache/save-cache.ts';
export type {CheckOptions, CheckReport, Finding, Repair} from './images/check/check.ts';
export type {FindingCode, FindingKind} from './images/check/finding.ts';
export type {SideSettings} from './images/copy/context.ts';
export type {CopiedImage, CopyOptions} from './images/copy/copy-image.ts';
export type {PushedImage, PushOptions} from './images/copy/push.ts';
export type {SyncedTag, SyncOptions, SyncOutcome, SyncRequest} from './images/copy/sync.ts';
export type {CopiedFiles, CopiedTree, CopyFromOptions, FileCopy} from './images/copy-from.ts';
export type {SourceOptions} from './images/copy-source.ts';
export type {LayerDetails} from './images/describe-layers.ts';
export type {DiffOptions, DiffSide, ImageDiff} from './images/diff.ts';
export type {ConfigChange, ConfigValue} from './images/diff-config.ts';
export type {FileChange, FileDetails, FileDifference} from './images/diff-files.ts';
export type {DiskUsage, ImageUsage, SharedSpaceUsage, SpaceUsage, VolumeUsage} from './images/disk-usage.ts';
export type {
  EndpointExplanation,
  RegistryExplanation,
  ShortNameExplanation,
} from './images/explain-registry.ts';
export type {BundleOptions, BundleReport} from './images/export-bundle.ts';
export type {HistoryEntry} from './images/history.ts';
export type {ImageDetails, ImageName, InspectOptions} from './images/inspect.ts';
export type {ImageSummary, ListImagesOptions} from './images/list.ts';
export type {FilesOptions, ImageFile} from './images/list-files.ts';
export type {LoginToCheck} from './images/logins/check-login.ts';
export type {ImageFilesOptions, ImagePath} from './images/open-files.ts';
export type {LazyServiceOptions, LazyServiceRequest} from './images/partial/serve-lazily.ts';
export type {PlannedLayer, PlannedSource, PlanOptions, PullPlan} from './images/plan-pull.ts';
export type {LabelFilter, PruneOptions, PruneReport} from './images/prune.ts';
export type {PulledImage, PullOptions, PullPolicy} from './images/pull.ts';
export type {PullEachOptions, PullOutcome} from './images/pull-each.ts';
export type {ImageFileContent, ImageFileContents, OpenedFile, ReadFileOptions} from './images/read-file.ts';
export type {ServedDocument} from './images/read-through/find-document.ts';
export type {ReadThrough, ReadThroughOptions} from './images/read-through/open-read-through.ts';
export type {ReadCall} from './images/read-through/read-call.ts';
export type {ServedBlob} from './images/read-through/served-blob.ts';
export type {RemotePlatformOptions} from './images/remote/context.ts';
export type {DeletedManifest, DeleteManifestOptions} from './images/remote/delete-manifest.ts';
export type {RemoteBlobDetails, RemoteImageDetails} from './images/remote/describe-image.ts';
export type {RemoteConfig} from './images/remote/get-config.ts';
export type {RemoteManifest} from './images/remote/get-manifest.ts';
export type {InspectRemoteOptions, RemoteImage, RemotePlatform} from './images/remote/inspect-remote.ts';
export type {ListReferrersOptions, RemoteReferrer, RemoteReferrers} from './images/remote/list-referrers.ts';
export type {ListRepositoriesOptions, RepositoryList} from './images/remote/list-repositories.ts';
export type {ListTagsOptions, TagList} from './images/remote/list-tags.ts';
export type {OpenedBlob, RemoteBlob} from './images/remote/open-blob.ts';
export type {PutManifestOptions, StoredManifest} from './images/remote/put-manifest.ts';
export type {RemoteRateLimit} from './images/remote/rate-limit.ts';
export type {RemoteDigest} from './images/remote/resolve-digest.ts';
export type {TagPatterns} from './images/remote/tag-patterns.ts';
export type {RemovalReport, RemoveOptions} from './images/remove.ts';
export type {RestoredTag, TagMove} from './images/tag-history.ts';
export type {ImageTreeNode} from './images/tree.ts';
export type {WhichAnswer, WhichFile, WhichLayer, WhichMatch} from './images/which.ts';
export type {SkippedFiles} from './layers/write-rootfs.ts';
export type {NetworkSubnet} from './network/definition.ts';
export type {NetworkJoin, NetworkMode, PublishedPort, PublishRequest, StackName} from './network/network-mode.ts';
export type {CheckedLogin} from './registry/check-login.ts';
export type {EventFilters, EventType, StoreEvent} from './store/store-event.ts';
export type {WatchEventsOptions} from './store/watch-event-log.ts';
export {
  type Containers,
  type Images,
  type Networks,
  openToolkit,
  type Registries,
  type Toolkit,
  type ToolkitOptions,
  type Volumes,
} from './toolkit.ts';
export type {Span, SpanSink, Watchers, WireHeaders, WireRecord, WireSink} from './trace.ts';
