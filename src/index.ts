export type {ContainerOptions, MountRequest, SecurityOption} from './bundle/container-options.ts';
export type {ToolkitInfo} from './containers/read-info.ts';
export type {RunRequest, RunResult} from './containers/run.ts';
export type {ContainerProcess} from './containers/spawn.ts';
export {type ErrorKind, isWinchError, WinchError} from './errors.ts';
export {type CallOptions, type EventSink, iterateEvents, type WinchEvent} from './events.ts';
export type {LayerDetails} from './images/describe-layers.ts';
export type {BundleOptions, BundleReport} from './images/export-bundle.ts';
export type {HistoryEntry} from './images/history.ts';
export type {ImageDetails, ImageName} from './images/inspect.ts';
export type {ImageSummary} from './images/list.ts';
export type {PulledImage, PullOptions, PullPolicy} from './images/pull.ts';
export type {RemovalReport, RemoveOptions} from './images/remove.ts';
export type {ImageTreeNode} from './images/tree.ts';
export {
  type Containers,
  type Images,
  openToolkit,
  type Registries,
  type Toolkit,
  type ToolkitOptions,
} from './toolkit.ts';
