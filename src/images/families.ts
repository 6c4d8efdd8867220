import type {Database} from '../store/database.ts';
import {type ImageRecord, listImages} from '../store/image-records.ts';
import {listImagesByIndex} from '../store/index-parts.ts';
import {listTags} from '../store/tags.ts';

/** Images that go together or not at all, so that no tag names an index of which some are missing. */
export type Family = readonly ImageRecord[];

/** Every image in a family, the newest first. */
export function findFamilies(database: Database): readonly Family[] {
  const images = listImages(database);
  const familyOf = new Map<string, ReadonlySet<ImageRecord>>(
    images.map((image) => [image.manifestDigest, new Set([image])]),
  );
  const byIndex = listImagesByIndex(database);
  for (const {manifestDigest, targetDigest} of listTags(database)) {
    const members = [manifestDigest, ...(byIndex.get(targetDigest) ?? [])];
    if (new Set(members.map((member) => familyOf.get(member))).size < 2) continue;
    const merged = new Set(members.flatMap((member) => [...(familyOf.get(member) ?? [])]));
    for (const member of merged) familyOf.set(member.manifestDigest, merged);
  }
  return [...new Set(familyOf.values())].map((family) => [...family]);
}
